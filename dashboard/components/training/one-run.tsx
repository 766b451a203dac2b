'use client';
// How does this run go? Progress, curves, the end of the log; while it works, all of them move.
import { Button, Code, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPlayerStop } from '@tabler/icons-react';
import { Lines } from '@/components/charts';
import type { Question } from '@/components/confirm';
import { Figure, Term } from '@/components/figure';
import { Panel } from '@/components/page';
import { Shown } from '@/components/states';
import { api, useGet, useItems } from '@/lib/api';
import { useLog } from '@/lib/log';
import { moment, number, seconds, share, short } from '@/lib/words';
import { Log } from './log';
import { RunState } from './run-state';

const OVER = new Set(['passed', 'failed', 'cancelled']);

export function OneRun({ id, ask }: { id: string; ask: (question: Question) => void }) {
  const run = useGet('/api/runs/{run_id}', { params: { path: { run_id: id } } });
  const going = run.data !== undefined && !OVER.has(run.data.state);
  const curves = useItems('/api/runs/{run_id}/series', { params: { path: { run_id: id } } }, { refreshInterval: going ? 2000 : 0 });
  const log = useLog(run.data?.has_log ? id : null);

  return (
    <Shown of={run} lines={7}>
      {(one) => (
        <Stack gap="lg" miw={0}>
          <Panel
            title={
              <Group gap={8}>
                {one.kind} <RunState of={one.state} />
              </Group>
            }
            hint={one.id}
            actions={
              going && (
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<IconPlayerStop size={14} aria-hidden />}
                  onClick={() =>
                    ask({
                      title: `Cancel this ${one.kind} run?`,
                      body: <Text size="sm">It stops at its next step. What was learned so far is not used; what answers now goes on answering.</Text>,
                      yes: 'Cancel the run',
                      danger: true,
                      run: () => api.POST('/api/runs/{run_id}/cancel', { params: { path: { run_id: id } } }),
                    })
                  }
                >
                  Cancel
                </Button>
              )
            }
          >
            {going && (
              <>
                <Progress value={one.progress * 100} radius="xl" size="lg" mb={4} aria-label="Progress" />
                <Text size="xs" c="dimmed" mb="sm">
                  {String(one.metrics?.doing ?? 'working')}
                </Text>
              </>
            )}
            {one.error && (
              <Text size="sm" className="bad" mb="sm">
                {one.error}
              </Text>
            )}
            <Group gap="xl">
              <Figure of="progress" value={share(one.progress)} />
              <Figure of="duration" value={one.started_at ? seconds((Date.parse(one.finished_at ?? new Date().toISOString()) - Date.parse(one.started_at)) / 1000) : '–'} />
              {typeof one.metrics?.loss === 'number' && <Figure of="loss" value={number(one.metrics.loss, 3)} />}
              {typeof one.metrics?.['rewards/margins'] === 'number' && <Figure of="margins" value={number(one.metrics['rewards/margins'] as number, 2)} />}
            </Group>
            <Text size="xs" c="dimmed" mt="sm">
              asked for {moment(one.created_at)}
              {one.requested_by ? ` by ${one.requested_by}` : ''}
              {one.started_at ? ` · began ${moment(one.started_at)}` : ''}
              {one.finished_at ? ` · ended ${moment(one.finished_at)}` : ''}
              {one.worker ? ` · on ${one.worker}` : ''}
            </Text>
            {Object.keys(one.parameters ?? {}).length > 0 && (
              <Code block mt="sm" tabIndex={0}>
                {JSON.stringify(one.parameters, null, 2)}
              </Code>
            )}
          </Panel>
          <Curves series={curves.data ?? []} />
          {one.has_log && (
            <Panel title="Log" hint="Its end; it follows while the run works">
              <Log lines={log} />
            </Panel>
          )}
        </Stack>
      )}
    </Shown>
  );
}

interface Curve {
  name: string;
  points: { step: number; value: number }[];
}

const ORDER = ['loss', 'eval_loss', 'rewards/margins', 'rewards/accuracies'];
const NAMES: Record<string, string> = { loss: 'Loss', eval_loss: 'Loss on held-out rows', 'rewards/margins': 'Margins', 'rewards/accuracies': 'Pairs told apart', learning_rate: 'Learning rate', grad_norm: 'Size of the gradient' };

function Curves({ series }: { series: Curve[] }) {
  const drawn = series.filter((one) => one.points.length > 1 && one.name !== 'step');
  drawn.sort((a, b) => (ORDER.indexOf(a.name) + 1 || 99) - (ORDER.indexOf(b.name) + 1 || 99));
  const wanted = drawn.filter((one) => ORDER.includes(one.name));
  const shown = (wanted.length ? wanted : drawn).slice(0, 4);
  if (!shown.length) return null;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
      {shown.map(({ name, points }) => (
        <Panel key={name} title={name === 'loss' ? <Term of="loss" /> : name === 'rewards/margins' ? <Term of="margins" /> : (NAMES[name] ?? name)}>
          <Lines title={name} x="step" rows={points.map(({ step, value }) => ({ step, [name]: value }))} series={[{ name, label: NAMES[name] }]} write={short} height={180} />
        </Panel>
      ))}
    </SimpleGrid>
  );
}
