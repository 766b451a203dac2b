'use client';
// What is being trained, how does it go, and what came of what was?
import { Badge, Button, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPlayerPlay, IconSchool } from '@tabler/icons-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { useConfirm } from '@/components/confirm';
import { Page, Panel } from '@/components/page';
import { useCommands } from '@/components/shell/commands';
import { Empty, Shown } from '@/components/states';
import { OneRun } from '@/components/training/one-run';
import { RunState } from '@/components/training/run-state';
import styles from '@/components/training/runs.module.css';
import { usePages } from '@/lib/api';
import { ago, share } from '@/lib/words';

const Start = dynamic(() => import('@/components/training/start'), { ssr: false });

export default function Training() {
  const runs = usePages('/api/runs', { query: { limit: 20 } });
  const [picked, setPicked] = useState<string>();
  const [starting, setStarting] = useState(false);
  const { ask, dialogue } = useConfirm();
  const all = runs.items ?? [];
  const chosen = picked ?? all.find((run) => run.state === 'running')?.id ?? all[0]?.id;
  useCommands('Training', [{ id: 'start', label: 'Start a run', run: () => setStarting(true) }]);

  return (
    <Page
      title="Training"
      wide
      lead="Runs survive a restart; only one at a time changes weights"
      actions={
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => setStarting(true)}>
          Start a run
        </Button>
      }
    >
      <Shown
        of={{ data: runs.items, error: runs.error, isLoading: runs.isLoading, mutate: runs.mutate }}
        empty={(items) =>
          items.length === 0 && (
            <Empty icon={IconSchool} title="Nothing ran yet" action={<Button onClick={() => setStarting(true)}>Start the first run</Button>}>
              A learning cycle collects what people said of answers, trains, measures, and asks the gate.
            </Empty>
          )
        }
      >
        {(items) => (
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className={`columns ${styles.columns}`}>
            <Panel title="Runs">
              <ul className={styles.list}>
                {items.map((run) => (
                  <li key={run.id}>
                    <button type="button" className={styles.run} aria-pressed={run.id === chosen} onClick={() => setPicked(run.id)}>
                      <Group justify="space-between" wrap="nowrap" gap={8}>
                        <Text fw={600} size="sm" component="span">
                          {run.kind}
                        </Text>
                        <Group gap={6} wrap="nowrap">
                          {run.requested_by && (
                            <Badge size="xs" color="gray">
                              {run.requested_by}
                            </Badge>
                          )}
                          <RunState of={run.state} />
                        </Group>
                      </Group>
                      <Text size="xs" c="dimmed" component="span" display="block">
                        {run.state === 'running' ? `${share(run.progress)} · ${String(run.metrics?.doing ?? 'working')}` : ago(run.finished_at ?? run.created_at)}
                        {run.error ? ` · ${run.error}` : ''}
                      </Text>
                      {run.state === 'running' && <Progress value={run.progress * 100} size={4} mt={6} radius="xl" aria-label={`${run.kind}: progress`} />}
                    </button>
                  </li>
                ))}
              </ul>
              {runs.more && (
                <Button variant="subtle" size="xs" mt="xs" onClick={runs.more}>
                  Earlier ones
                </Button>
              )}
            </Panel>
            {chosen && <OneRun key={chosen} id={chosen} ask={ask} />}
          </SimpleGrid>
        )}
      </Shown>
      {starting && (
        <Start
          close={() => setStarting(false)}
          started={(id) => {
            setPicked(id);
            void runs.mutate();
          }}
        />
      )}
      {dialogue}
    </Page>
  );
}
