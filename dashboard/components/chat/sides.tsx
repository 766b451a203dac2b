'use client';
// Which of the two is better? Both grow at once; one key or click picks.
import { Badge, Button, Text } from '@mantine/core';
import { Keys } from '@/components/shell/commands';
import styles from './chat.module.css';

export interface Side {
  key: string;
  adapter: string | null | undefined;
  text: string;
  ended: boolean;
  picked?: boolean;
}

export function Sides({ sides, busy, pick }: { sides: Side[]; busy: boolean; pick: (at: number) => void }) {
  return (
    <div className={styles.sides} role="group" aria-label="Two answers to choose from">
      {sides.map((side, at) => (
        <div key={at} className={styles.side} data-picked={side.picked || undefined}>
          <div>
            <Badge size="sm" color="gray" mb={6}>
              {side.adapter ?? 'base model'}
            </Badge>
            <div className="said">
              {side.text || <Text c="dimmed">…</Text>}
              {!side.ended && <span className={styles.caret} aria-hidden />}
            </div>
          </div>
          <Button size="xs" variant={side.picked ? 'filled' : 'light'} disabled={busy} onClick={() => pick(at)} rightSection={<Keys of={String(at + 1)} />} aria-label={`Pick answer ${at + 1}`}>
            {side.picked ? 'Picked' : 'This one'}
          </Button>
        </div>
      ))}
    </div>
  );
}
