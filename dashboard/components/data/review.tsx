'use client';
// Is that a person? Names nobody known answers to; the owner says who is one, and the records follow.
import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Panel } from '@/components/page';
import { Shown } from '@/components/states';
import { api, useItems } from '@/lib/api';
import { trying } from '@/lib/tell';

export function Review() {
  const names = useItems('/api/review');
  const [later, setLater] = useState<ReadonlySet<string>>(new Set());
  const decide = async (name: string, verdict: 'person' | 'no') => {
    if (await trying(() => api.POST('/api/review/{name}', { params: { path: { name } }, body: { verdict } }), verdict === 'person' ? `${name} becomes a placeholder everywhere.` : `${name} is not asked about again.`)) await names.mutate();
  };
  return (
    <Panel title="Names to review" hint="Nobody known answers to these. Are they people?">
      <Shown of={names} lines={2}>
        {(all) => {
          const shown = all.filter((one) => !later.has(one.name));
          if (!shown.length)
            return (
              <Text size="sm" c="dimmed">
                No name waits for you.
              </Text>
            );
          return (
            <Stack gap="sm">
              {shown.slice(0, 8).map(({ name, count, contexts }) => (
                <div key={name} role="group" aria-label={name}>
                  <Group justify="space-between" gap="xs">
                    <Group gap={8}>
                      <Text fw={600}>{name}</Text>
                      <Badge color="gray" size="sm">
                        {count}×
                      </Badge>
                    </Group>
                    <Group gap={6}>
                      <Button size="compact-sm" onClick={() => void decide(name, 'person')}>
                        A person
                      </Button>
                      <Button size="compact-sm" variant="default" onClick={() => void decide(name, 'no')}>
                        Nobody
                      </Button>
                      <Button size="compact-sm" variant="subtle" color="gray" onClick={() => setLater((all) => new Set([...all, name]))}>
                        Later
                      </Button>
                    </Group>
                  </Group>
                  {contexts?.slice(0, 2).map((context) => (
                    <Text key={context} size="xs" c="dimmed" truncate>
                      … {context} …
                    </Text>
                  ))}
                </div>
              ))}
              {shown.length > 8 && (
                <Text size="xs" c="dimmed">
                  and {shown.length - 8} more
                </Text>
              )}
            </Stack>
          );
        }}
      </Shown>
    </Panel>
  );
}
