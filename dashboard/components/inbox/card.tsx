'use client';
// One thing to decide about: what was asked, what the twin says, and the keys that decide it.
import { Badge, Group, Paper, Text } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { ago, moment } from '@/lib/words';
import styles from './card.module.css';

export interface Item {
  key: string;
  question: string;
  who: string;
  answer: string;
  at: string;
  platform: string;
  adapter?: string | null;
}

export function Card({ item, current, choose, children, correction, settled }: { item: Item; current: boolean; choose: () => void; children: ReactNode; correction?: string | null; settled?: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (current) place.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <Paper ref={place} component="article" className={`card ${styles.card}`} data-current={current || undefined} p="md" onClick={choose} aria-current={current || undefined}>
      <Group justify="space-between" gap="xs" mb={6}>
        <Group gap={6}>
          <Text size="xs" c="dimmed">
            {item.who} · {item.platform} · <span title={moment(item.at)}>{ago(item.at)}</span>
          </Text>
          {item.adapter !== undefined && (
            <Badge size="xs" color="gray">
              {item.adapter ?? 'base model'}
            </Badge>
          )}
        </Group>
        {settled}
      </Group>
      <Text size="sm" c="dimmed" className="said">
        {item.question}
      </Text>
      <div className={`said ${styles.answer} ${correction ? styles.struck : ''}`}>{item.answer}</div>
      {correction && <div className={`said ${styles.answer}`}>{correction}</div>}
      <div className={styles.doings}>{children}</div>
    </Paper>
  );
}
