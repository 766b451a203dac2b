'use client';
// What does one see while talking to the twin? The conversations, the one that is open, and why it says what it says.
import { ActionIcon, Button, Group, NativeSelect, Switch, Text, Tooltip } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconMessageCirclePlus, IconMessages } from '@tabler/icons-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { Thread } from '@/components/chat/thread';
import styles from '@/components/chat/chat.module.css';
import { useCommands } from '@/components/shell/commands';
import { Empty, Shown } from '@/components/states';
import { api, useGet, usePages, type Shapes } from '@/lib/api';
import { trying } from '@/lib/tell';
import { ago, plural } from '@/lib/words';

const Why = dynamic(() => import('@/components/chat/why'), { ssr: false });

/** In a chat app, who speaks there; here, what was said last: who speaks is plain. */
function nameOf(one: Shapes['Conversation']): string {
  return one.web ? one.last_text || (one.messages ? 'A picture' : 'New conversation') : one.title;
}

export default function Chat() {
  const conversations = usePages('/api/conversations', { query: { limit: 30 } });
  const answering = useGet('/api/adapters/answering');
  const adapters = useGet('/api/adapters', { params: { query: { limit: 100 } } });
  const [picked, setPicked] = useState<string>();
  const [fresh, setFresh] = useState<Shapes['Conversation']>(); // listed once something is said in it
  const [making, setMaking] = useState(false);
  const [why, setWhy] = useState<string>();
  const [compare, setCompare] = useLocalStorage({ key: 'twin-compare', defaultValue: false });
  const [pair, setPair] = useState<[string, string]>();

  const listed = conversations.items ?? [];
  const all = fresh && !listed.some((one) => one.id === fresh.id) ? [fresh, ...listed] : listed;
  const id = picked ?? all.find((one) => one.web)?.id ?? all[0]?.id;
  if (!picked && id) setPicked(id); // whatever is said elsewhere, what one writes here stays
  const here = all.find((one) => one.id === id);
  const versions = ['base', ...(adapters.data?.items ?? []).filter((one) => one.state !== 'refused').map((one) => one.version)];
  const live = answering.data?.live ?? 'base';
  const both = pair ?? ([live, versions.find((one) => one !== live && one !== 'base') ?? 'base'] as [string, string]);
  const canCompare = versions.length > 1;

  const start = async () => {
    if (making) return;
    setMaking(true);
    await trying(async () => {
      const { data } = await api.POST('/api/conversations', { body: { title: '' } });
      setFresh(data!);
      setPicked(data!.id);
    });
    setMaking(false);
  };
  useCommands('Chat', [
    { id: 'new', label: 'A new conversation', run: () => void start() },
    ...(canCompare ? [{ id: 'compare', label: compare ? 'One answer' : 'Two adapters side by side', run: () => setCompare(!compare) }] : []),
  ]);

  return (
    <div className={styles.frame}>
      <title>Chat · twin</title>
      <h1 className="unseen">Chat</h1>
      <aside className={styles.list} aria-label="Conversations">
        <Button variant="default" leftSection={<IconMessageCirclePlus size={17} aria-hidden />} onClick={() => void start()}>
          New conversation
        </Button>
        <Shown of={{ ...conversations, data: conversations.items && all }} lines={6}>
          {(items) => (
            <ul className={styles.chats}>
              {items.map((one) => (
                <li key={one.id}>
                  <button type="button" className={styles.chat} aria-current={one.id === id} onClick={() => setPicked(one.id)}>
                    <Group justify="space-between" wrap="nowrap" gap={6}>
                      <Text size="sm" fw={550} truncate component="span">
                        {nameOf(one)}
                      </Text>
                      <Text size="xs" c="dimmed" component="span" style={{ whiteSpace: 'nowrap' }}>
                        {one.web ? '' : `${one.platform} · `}
                        {ago(one.last_at)}
                      </Text>
                    </Group>
                    <Text size="xs" c="dimmed" truncate component="span" display="block">
                      {one.web ? (one.messages ? `with you, ${plural(one.messages, 'message')}` : 'Nothing was said yet') : one.last_text}
                    </Text>
                  </button>
                </li>
              ))}
              {conversations.more && (
                <li>
                  <Button variant="subtle" size="xs" fullWidth onClick={conversations.more}>
                    Older ones
                  </Button>
                </li>
              )}
            </ul>
          )}
        </Shown>
      </aside>
      <section className={styles.thread} aria-label="Conversation" aria-busy={making} inert={making}>
        <Group justify="space-between" px="xs" pb="xs" gap="xs" wrap="nowrap" className={styles.bar}>
          <Group gap="xs" wrap="nowrap" miw={0} hiddenFrom="md">
            <NativeSelect aria-label="Conversation" size="sm" value={id ?? ''} onChange={(event) => setPicked(event.currentTarget.value)} data={all.map((one) => ({ value: one.id, label: nameOf(one) }))} />
            <Tooltip label="New conversation" w="auto">
              <ActionIcon size="lg" variant="default" aria-label="New conversation" onClick={() => void start()}>
                <IconMessageCirclePlus size={18} stroke={1.6} />
              </ActionIcon>
            </Tooltip>
          </Group>
          <Text fw={600} truncate visibleFrom="md">
            {here ? (here.web ? 'With you' : `${here.title} · ${here.platform}`) : ''}
          </Text>
          {canCompare && here?.web !== false && (
            <Group gap="xs" wrap="nowrap">
              {compare && (
                <Group gap={4} wrap="nowrap" visibleFrom="sm">
                  {([0, 1] as const).map((side) => (
                    <NativeSelect key={side} size="xs" aria-label={side ? 'Second adapter' : 'First adapter'} value={both[side]} onChange={(event) => setPair(side ? [both[0], event.currentTarget.value] : [event.currentTarget.value, both[1]])} data={versions} />
                  ))}
                </Group>
              )}
              <Switch size="sm" label="Side by side" checked={compare} onChange={(event) => setCompare(event.currentTarget.checked)} styles={{ label: { whiteSpace: 'nowrap' } }} />
            </Group>
          )}
        </Group>
        {id ? (
          <Thread key={id} id={id} canSay={here?.web ?? true} sees={answering.data?.sees ?? true} adapters={compare && canCompare ? both : []} why={setWhy} changed={() => void conversations.mutate()} />
        ) : (
          !conversations.isLoading &&
          !conversations.error && (
            <Empty icon={IconMessages} title="Say hello" action={<Button onClick={() => void start()}>Start a conversation</Button>}>
              It answers as its owner would. What you like, dislike and correct is what it learns from.
            </Empty>
          )
        )}
      </section>
      {why && <Why reply={why} close={() => setWhy(undefined)} />}
    </div>
  );
}
