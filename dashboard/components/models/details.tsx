'use client';
// What is known of one adapter? How it came about, what the gate said, and what can be done with it.
import { Accordion, Button, Code, Group, List, Text } from '@mantine/core';
import { Figure } from '@/components/figure';
import { Panel } from '@/components/page';
import { Shown } from '@/components/states';
import { api, useGet } from '@/lib/api';
import { trying } from '@/lib/tell';
import { ago, number } from '@/lib/words';
import { Axes, type Axis } from './axes';
import type { Act } from './change';
import { State } from './state';

/** As they were written down: with the interval and the limit, where there is one. */
function axesOf(evaluation: { axes?: Axis[]; report?: Record<string, unknown> } | null | undefined): Axis[] {
  const verdict = evaluation?.report?.verdict as { axes?: Axis[] } | undefined;
  return verdict?.axes ?? evaluation?.axes ?? [];
}

export function Details({ version, change }: { version: string; change: Act }) {
  const adapter = useGet('/api/adapters/{version}', { params: { path: { version } } });
  return (
    <Shown of={adapter} lines={6}>
      {(one) => {
        const axes = axesOf(one.evaluation);
        return (
        <Panel
          title={
            <Group gap={8}>
              {one.version} <State of={one.state} />
            </Group>
          }
          hint={`${one.method} on ${one.base_model} · ${one.parent ? `from ${one.parent}` : 'from the base model'} · ${ago(one.created_at)}`}
          actions={
            <Group gap={6}>
              <Button size="xs" variant="default" onClick={() => void trying(() => api.POST('/api/adapters/{version}/evaluate', { params: { path: { version: one.version } }, body: {} }), 'It is being measured: see Training.')}>
                Measure
              </Button>
              {one.state !== 'live' && one.state !== 'canary' && (
                <Button size="xs" variant="default" onClick={() => void change('canary', one.version)}>
                  Try on some chats
                </Button>
              )}
              {one.state !== 'live' && (
                <Button size="xs" onClick={() => void change('promote', one.version)}>
                  Promote
                </Button>
              )}
            </Group>
          }
        >
          <Group gap="xl" mb={one.reasons.length ? 'sm' : 0}>
            <Figure of="samples" value={number(one.samples)} />
            <Figure of="corpus" value={<span style={{ fontSize: '1rem' }}>{one.corpus ?? '–'}</span>} />
            <Figure of="gate" value={one.passed == null ? '–' : one.passed ? 'passed' : 'refused'} tone={one.passed == null ? undefined : one.passed ? 'good' : 'bad'} />
          </Group>
          {one.reasons.length > 0 && (
            <List size="sm" spacing={2} mb="xs">
              {one.reasons.map((reason) => (
                <List.Item key={reason}>{reason}</List.Item>
              ))}
            </List>
          )}
          <Accordion variant="default" multiple defaultValue={one.passed === false ? ['gate'] : []} mx={-16} mb={-16}>
            {axes.length > 0 && (
              <Accordion.Item value="gate">
                <Accordion.Control>
                  <Text size="sm">What the gate looked at</Text>
                </Accordion.Control>
                <Accordion.Panel>
                  <Axes axes={axes} />
                </Accordion.Panel>
              </Accordion.Item>
            )}
            <Accordion.Item value="recipe" style={{ borderBottom: 0 }}>
              <Accordion.Control>
                <Text size="sm">Recipe</Text>
              </Accordion.Control>
              <Accordion.Panel>
                <Code block tabIndex={0}>
                  {JSON.stringify(one.recipe, null, 2)}
                </Code>
                <Text size="xs" c="dimmed" mt={6} style={{ overflowWrap: 'anywhere' }}>
                  sha256 {one.sha256}
                </Text>
              </Accordion.Panel>
            </Accordion.Item>
          </Accordion>
        </Panel>
        );
      }}
    </Shown>
  );
}
