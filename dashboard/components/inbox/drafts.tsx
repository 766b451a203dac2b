'use client';
// Shall this be sent? As it is, in other words, or not at all.
import { Button, Group, Stack } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconMailCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { Correcting } from '@/components/chat/bubble';
import { Keys, useCommands } from '@/components/shell/commands';
import { Empty, Shown } from '@/components/states';
import { api, usePages } from '@/lib/api';
import { useListKeys } from '@/lib/cursor-keys';
import { trying } from '@/lib/tell';
import { Card } from './card';

export function Drafts() {
  const drafts = usePages('/api/drafts', { query: { limit: 20 } });
  const [settled, setSettled] = useState<ReadonlySet<string>>(new Set());
  const [editing, setEditing] = useState<string>();
  const items = drafts.items?.filter((one) => !settled.has(one.key));
  const { current, choose } = useListKeys((items ?? []).map((one) => one.key));

  const settle = async (key: string, what: () => Promise<unknown>, told: string) => {
    setSettled((all) => new Set([...all, key]));
    setEditing(undefined);
    const done = await trying(what, told);
    if (!done) setSettled((all) => new Set([...all].filter((one) => one !== key)));
    await drafts.mutate();
    return done;
  };
  const send = (key: string, text?: string) => settle(key, () => api.POST('/api/drafts/{key}/approve', { params: { path: { key } }, body: { text: text ?? null } }), text ? 'Your words are sent, and it learns from them.' : 'Sent.');
  const skip = (key: string) => settle(key, () => api.POST('/api/drafts/{key}/skip', { params: { path: { key } } }), 'Skipped: that counts as a thumb down.');

  useHotkeys([
    ['1', () => void (current && !editing && send(current))],
    ['2', () => void (current && !editing && skip(current))],
    ['e', () => setEditing(current)],
  ]);
  useCommands('Inbox', [
    { id: 'send', label: 'Send the draft', keys: '1', run: () => void (current && send(current)) },
    { id: 'skip', label: 'Skip the draft', keys: '2', run: () => void (current && skip(current)) },
    { id: 'edit', label: 'Say it in other words', keys: 'e', run: () => setEditing(current) },
  ]);

  return (
    <Shown
      of={{ ...drafts, data: items }}
      empty={(all) =>
        all.length === 0 && (
          <Empty icon={IconMailCheck} title="Nothing waits for you">
            With draft mode on (<b>People</b>, a chat, draft; or <code>draft = true</code> under <code>[chat]</code>), what the twin would say waits here for your word.
          </Empty>
        )
      }
    >
      {(all) => (
        <Stack gap="sm">
          {all.map((one) => (
            <Card
              key={one.key}
              current={one.key === current}
              choose={() => choose(one.key)}
              item={{ key: one.key, question: one.question?.text ?? '', who: one.question?.author_name ?? one.draft.chat_id, answer: one.draft.text, at: one.asked_at, platform: one.draft.platform, adapter: one.draft.adapter }}
            >
              {editing === one.key ? (
                <Correcting text={one.draft.text} save={async (text) => void (await send(one.key, text))} leave={() => setEditing(undefined)} />
              ) : (
                <Group gap={6}>
                  <Button size="xs" onClick={() => void send(one.key)} rightSection={<Keys of="1" />}>
                    Send
                  </Button>
                  <Button size="xs" variant="default" onClick={() => setEditing(one.key)} rightSection={<Keys of="e" />}>
                    Edit
                  </Button>
                  <Button size="xs" variant="default" onClick={() => void skip(one.key)} rightSection={<Keys of="2" />}>
                    Skip
                  </Button>
                </Group>
              )}
            </Card>
          ))}
        </Stack>
      )}
    </Shown>
  );
}
