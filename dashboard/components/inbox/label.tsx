'use client';
// How good was that? j and k walk, 1 is good, 2 is bad, e says it better, u takes it back.
import { Badge, Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconChecks } from '@tabler/icons-react';
import { useState } from 'react';
import { Correcting } from '@/components/chat/bubble';
import { Keys, useCommands } from '@/components/shell/commands';
import { Empty, Shown } from '@/components/states';
import { useGet, usePages } from '@/lib/api';
import { useListKeys } from '@/lib/cursor-keys';
import { judge, withdraw } from '@/lib/judge';
import { trying } from '@/lib/tell';
import { Card } from './card';

type Kind = 'up' | 'down' | 'correction';
interface Mine {
  kind: Kind;
  text?: string;
  id?: string;
}
const WORDS: Record<string, string> = { up: 'liked', down: 'disliked', correction: 'corrected', complaint: 'complained about', choice: 'chosen', takeover: 'taken over' };
const PLATFORMS = ['discord', 'telegram', 'terminal', 'web', 'api'];

export function Label() {
  const [labelled, setLabelled] = useState<'none' | 'some' | 'any'>('none');
  const [adapter, setAdapter] = useState('');
  const [platform, setPlatform] = useState('');
  const adapters = useGet('/api/adapters', { params: { query: { limit: 100 } } });
  const replies = usePages('/api/replies', { query: { limit: 30, labelled: labelled === 'any' ? undefined : labelled === 'some', adapter: adapter || undefined, platform: platform || undefined } });
  const [mine, setMine] = useState<Record<string, Mine | undefined>>({});
  const [editing, setEditing] = useState<string>();
  const { current, choose, next } = useListKeys((replies.items ?? []).map((one) => one.message.key));

  const label = async (key: string, kind: Kind, text?: string) => {
    const before = mine[key];
    setMine((all) => ({ ...all, [key]: { kind, text } }));
    setEditing(undefined);
    if (kind !== 'correction') next();
    const done = await trying(async () => {
      const id = await judge(key, kind, text);
      setMine((all) => ({ ...all, [key]: { kind, text, id } }));
    });
    if (!done) setMine((all) => ({ ...all, [key]: before }));
    return done;
  };
  const undo = async (key: string) => {
    const given = mine[key];
    if (!given?.id) return;
    if (await trying(() => withdraw(given.id!), 'Taken back.')) setMine((all) => ({ ...all, [key]: undefined }));
  };
  const when = (run: (key: string) => unknown) => () => void (current && !editing && run(current));
  useHotkeys([
    ['1', when((key) => label(key, 'up'))],
    ['2', when((key) => label(key, 'down'))],
    ['e', () => setEditing(current)],
    ['u', when(undo)],
  ]);
  useCommands('Inbox', [
    { id: 'up', label: 'Good', keys: '1', run: when((key) => label(key, 'up')) },
    { id: 'down', label: 'Bad', keys: '2', run: when((key) => label(key, 'down')) },
    { id: 'edit', label: 'Say how it should have been', keys: 'e', run: () => setEditing(current) },
    { id: 'undo', label: 'Take the label back', keys: 'u', run: when(undo) },
    { id: 'walk', label: 'Next, previous', keys: 'j k' },
  ]);

  return (
    <Stack gap="md">
      <Group gap="xs" align="flex-end">
        <NativeSelect
          size="xs"
          label="Labels"
          value={labelled}
          onChange={(event) => setLabelled(event.currentTarget.value as typeof labelled)}
          data={[
            { value: 'none', label: 'not labelled yet' },
            { value: 'some', label: 'labelled' },
            { value: 'any', label: 'all' },
          ]}
        />
        <NativeSelect size="xs" label="Adapter" value={adapter} onChange={(event) => setAdapter(event.currentTarget.value)} data={[{ value: '', label: 'any' }, { value: 'base', label: 'base model' }, ...(adapters.data?.items ?? []).map((one) => one.version)]} />
        <NativeSelect size="xs" label="Chat app" value={platform} onChange={(event) => setPlatform(event.currentTarget.value)} data={[{ value: '', label: 'any' }, ...PLATFORMS]} />
        <Text size="xs" c="dimmed" ml="auto" visibleFrom="sm">
          <Keys of="j k" /> walk <Keys of="1" /> good <Keys of="2" /> bad <Keys of="e" /> say it better <Keys of="u" /> take back
        </Text>
      </Group>
      <Shown
        of={{ ...replies, data: replies.items }}
        empty={(all) =>
          all.length === 0 && (
            <Empty icon={IconChecks} title={labelled === 'none' ? 'Everything is labelled' : 'No answers of that kind'}>
              New answers appear by themselves.
            </Empty>
          )
        }
      >
        {(all) => (
          <Stack gap="sm">
            {all.map(({ message, question, adapter: of, feedback }) => {
              const given = mine[message.key];
              const told = given ? [given.kind] : [...new Set((feedback ?? []).filter((one) => !one.withdrawn_at).map((one) => one.kind))];
              return (
                <Card
                  key={message.key}
                  current={message.key === current}
                  choose={() => choose(message.key)}
                  correction={given?.kind === 'correction' ? given.text : feedback?.find((one) => one.kind === 'correction' && !one.withdrawn_at)?.text}
                  item={{ key: message.key, question: question?.text ?? '', who: question?.author_name ?? message.chat_id, answer: message.text, at: message.sent_at, platform: message.platform, adapter: of }}
                  settled={
                    <Group gap={4}>
                      {told.map((kind) => (
                        <Badge key={kind} size="sm" color={kind === 'up' ? 'tide' : kind === 'down' ? 'red' : 'yellow'}>
                          {WORDS[kind] ?? kind}
                        </Badge>
                      ))}
                    </Group>
                  }
                >
                  {editing === message.key ? (
                    <Correcting text={message.text} save={async (text) => void (await label(message.key, 'correction', text))} leave={() => setEditing(undefined)} />
                  ) : (
                    <Group gap={6}>
                      <Button size="xs" variant={given?.kind === 'up' ? 'filled' : 'default'} onClick={() => void label(message.key, 'up')} rightSection={<Keys of="1" />}>
                        Good
                      </Button>
                      <Button size="xs" variant={given?.kind === 'down' ? 'filled' : 'default'} onClick={() => void label(message.key, 'down')} rightSection={<Keys of="2" />}>
                        Bad
                      </Button>
                      <Button size="xs" variant="default" onClick={() => setEditing(message.key)} rightSection={<Keys of="e" />}>
                        Say it better
                      </Button>
                      {given && (
                        <Button size="xs" variant="subtle" onClick={() => void undo(message.key)} rightSection={<Keys of="u" />}>
                          Take back
                        </Button>
                      )}
                    </Group>
                  )}
                </Card>
              );
            })}
            {replies.more && (
              <Button variant="default" onClick={replies.more}>
                More
              </Button>
            )}
          </Stack>
        )}
      </Shown>
    </Stack>
  );
}
