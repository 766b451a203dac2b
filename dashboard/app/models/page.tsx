'use client';
// Which adapters are there, how good are they, and which one answers?
import { Button, Group, NativeSelect, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconArrowBackUp, IconBinaryTree2 } from '@tabler/icons-react';
import { useState } from 'react';
import { useConfirm } from '@/components/confirm';
import { Beside } from '@/components/models/beside';
import { useChange } from '@/components/models/change';
import { Details } from '@/components/models/details';
import { History } from '@/components/models/history';
import { Tree } from '@/components/models/tree';
import { Page, Panel } from '@/components/page';
import { Empty, Shown } from '@/components/states';
import { useCommands } from '@/components/shell/commands';
import { useGet, usePages } from '@/lib/api';
import { share } from '@/lib/words';

export default function Models() {
  const adapters = usePages('/api/adapters', { query: { limit: 100 } });
  const answering = useGet('/api/adapters/answering');
  const [picked, setPicked] = useState<string>();
  const [against, setAgainst] = useState('');
  const { ask, dialogue } = useConfirm();
  const change = useChange(ask);

  const all = adapters.items ?? [];
  const live = answering.data?.live ?? undefined;
  const chosen = picked ?? answering.data?.canary ?? live ?? all[0]?.version;
  const other = against || (chosen === live ? (all.find((one) => one.version !== live)?.version ?? '') : (live ?? ''));
  const canRollBack = live !== undefined || Boolean(answering.data?.canary);

  useCommands('Models', [
    ...(chosen ? [{ id: 'promote', label: `Let ${chosen} answer`, run: () => void change('promote', chosen) }] : []),
    ...(canRollBack ? [{ id: 'rollback', label: 'Go back to the one before', run: () => void change('rollback') }] : []),
  ]);

  return (
    <Page
      title="Models"
      wide
      lead={
        answering.data && (
          <>
            <b>{answering.data.live ?? 'The base model'}</b> answers
            {answering.data.canary && (
              <>
                ; <b>{answering.data.canary}</b> is on trial in {share(answering.data.share)} of the chats
              </>
            )}
          </>
        )
      }
      actions={
        canRollBack && (
          <Button variant="default" leftSection={<IconArrowBackUp size={16} aria-hidden />} onClick={() => void change('rollback')}>
            Roll back
          </Button>
        )
      }
    >
      <Shown
        of={{ data: adapters.items, error: adapters.error, isLoading: adapters.isLoading, mutate: adapters.mutate }}
        lines={8}
        empty={(items) =>
          items.length === 0 && (
            <Empty icon={IconBinaryTree2} title="Nothing was learned yet">
              The base model answers. Build a corpus and train: the first adapter appears here.
            </Empty>
          )
        }
      >
        {(items) => (
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className="columns" data-uneven>
            <Stack gap="lg">
              <Panel title="Lineage" hint="Newest first; a line leads to what each one was trained from">
                <Tree adapters={items} chosen={chosen} choose={setPicked} />
                {adapters.more && (
                  <Button variant="subtle" size="xs" mt="xs" onClick={adapters.more}>
                    Older ones
                  </Button>
                )}
              </Panel>
              <History />
            </Stack>
            {chosen && (
              <Stack gap="lg">
                <Details version={chosen} change={change} />
                <Panel
                  title="Side by side"
                  hint="The same held-out rows, each figure with its interval at 95 %"
                  actions={
                    <Group gap={6}>
                      <Text size="sm" c="dimmed" component="label" htmlFor="against">
                        {chosen} beside
                      </Text>
                      <NativeSelect id="against" size="xs" value={other} onChange={(event) => setAgainst(event.currentTarget.value)} data={items.map((one) => one.version).filter((one) => one !== chosen)} />
                    </Group>
                  }
                >
                  {other ? <Beside versions={[chosen, other]} /> : <Text c="dimmed">There is only one adapter.</Text>}
                </Panel>
              </Stack>
            )}
          </SimpleGrid>
        )}
      </Shown>
      {dialogue}
    </Page>
  );
}
