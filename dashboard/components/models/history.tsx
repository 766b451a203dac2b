'use client';
// Who answered before, and why did that change?
import { Button, Text, Timeline } from '@mantine/core';
import { Panel } from '@/components/page';
import { usePages } from '@/lib/api';
import { ago, moment } from '@/lib/words';

export function History() {
  const { items, more } = usePages('/api/promotions', { query: { limit: 6 } });
  if (!items?.length) return null;
  return (
    <Panel title="What answered">
      <Timeline bulletSize={12} lineWidth={2} active={0}>
        {items.map((one) => (
          <Timeline.Item key={one.id} title={<Text size="sm" fw={550}>{one.version ?? 'base model'}</Text>}>
            <Text size="xs" c="dimmed">
              <span title={moment(one.at)}>{ago(one.at)}</span>, instead of {one.previous ?? 'the base model'}: {one.why}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {more && (
        <Button variant="subtle" size="xs" onClick={more}>
          Earlier
        </Button>
      )}
    </Panel>
  );
}
