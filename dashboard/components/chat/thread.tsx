'use client';
// One conversation: what was said, what is being said, and the place to say more.
import { Button, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Failed, Loading } from '@/components/states';
import { Keys } from '@/components/shell/commands';
import { api, usePages } from '@/lib/api';
import { judge, withdraw } from '@/lib/judge';
import { useTalk } from '@/lib/talk';
import { tell, trying } from '@/lib/tell';
import { Bubble, type Doings, type Said } from './bubble';
import styles from './chat.module.css';
import { Composer } from './composer';
import { Sides, type Side } from './sides';

interface Mine {
  verdict?: 'up' | 'down' | null;
  correction?: string;
  given?: string; // the id of what was given here, to take it back
}

export function Thread({ id, canSay, sees, adapters, why, changed }: { id: string; canSay: boolean; sees: boolean; adapters: string[]; why: (reply: string) => void; changed: () => void }) {
  const messages = usePages('/api/conversations/{conversation_id}/messages', { path: { conversation_id: id }, query: { limit: 50 } });
  const [mine, setMine] = useState<Record<string, Mine | undefined>>({});
  const [sides, setSides] = useState<Side[]>();
  const { mutate } = messages;
  const settled = useCallback(async () => {
    await mutate();
    changed();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [mutate]);
  const talk = useTalk(settled);
  const shown = [...(messages.items ?? [])].sort((a, b) => a.sent_at.localeCompare(b.sent_at) || Number(a.by_twin) - Number(b.by_twin)).filter((one) => !one.deleted_at && !one.unsent);
  const lastReply = shown.findLast((one) => one.by_twin)?.key;

  const end = useRef<HTMLDivElement>(null);
  const words = talk.growing.map((one) => one.text.length).join();
  const toTheEnd = useCallback(() => void end.current?.scrollIntoView({ block: 'end' }), []); // a promise in newer browsers
  useEffect(toTheEnd, [toTheEnd, words, shown.length, talk.asked]);

  // Two answers stay side by side until one is picked.
  useEffect(() => {
    if (talk.busy && talk.growing.length === 2) setSides(talk.growing.map(({ key, adapter, text, ended }) => ({ key, adapter, text, ended })));
  }, [talk.busy, words, talk.growing]);

  const say = (text: string, pictures: string[]) => {
    setSides(undefined);
    void talk.ask(`/api/conversations/${encodeURIComponent(id)}/messages`, { text, adapters, ...(pictures.length ? { pictures } : {}) }, { text, pictures });
  };
  const doings: Doings = {
    judge: (key, verdict) => {
      const before = mine[key];
      const off = before?.verdict === verdict;
      setMine((all) => ({ ...all, [key]: { ...all[key], verdict: off ? null : verdict } }));
      void trying(async () => {
        if (off) return before?.given && withdraw(before.given);
        const given = await judge(key, verdict);
        setMine((all) => ({ ...all, [key]: { ...all[key], given } }));
      }).then((done) => {
        if (!done) setMine((all) => ({ ...all, [key]: before }));
      });
    },
    correct: async (key, text) => {
      const done = await trying(() => judge(key, 'correction', text), 'Noted: next time more like that.');
      if (done) setMine((all) => ({ ...all, [key]: { ...all[key], correction: text } }));
      return done;
    },
    again: () => {
      setSides(undefined);
      void talk.ask(`/api/conversations/${encodeURIComponent(id)}/regenerate`, { adapters }, null);
    },
    why,
  };
  const pick = async (at: number) => {
    const better = sides?.[at];
    const worse = sides?.[1 - at];
    if (!better || !worse || talk.busy || sides!.some((one) => one.picked !== undefined)) return;
    if (await trying(() => api.POST('/api/choices', { body: { better: better.key, worse: worse.key } }))) {
      setSides(sides!.map((one, side) => ({ ...one, picked: side === at })));
      tell(`${better.adapter ?? 'The base model'} it is: the conversation goes on from there.`);
      await settled();
      setSides(undefined);
    }
  };
  useHotkeys(sides && !talk.busy ? [['1', () => void pick(0)], ['2', () => void pick(1)]] : []);

  if (messages.error && !messages.items) return <Failed error={messages.error} retry={() => void mutate()} />;
  if (!messages.items) return <Loading lines={6} />;
  const beside = sides ?? (talk.growing.length === 2 ? talk.growing : undefined);
  const hidden = new Set(beside?.map((one) => one.key));
  return (
    <>
      <div className={styles.turns} tabIndex={0} role="log" aria-label="What was said" aria-live="polite">
        <div className={styles.middle}>
          {messages.more && (
            <Button variant="subtle" size="xs" onClick={messages.more}>
              Earlier
            </Button>
          )}
          {shown.length === 0 && !talk.asked && (
            <Text c="dimmed" ta="center" my="auto">
              Say something: it answers as its owner would.
            </Text>
          )}
          {shown
            .filter((one) => !hidden.has(one.key))
            .map((one) => (
              <Bubble key={one.key} said={asSaid(one, mine[one.key])} doings={one.by_twin ? doings : undefined} last={one.key === lastReply && !talk.busy && !beside && canSay} grown={toTheEnd} />
            ))}
          {talk.asked && !shown.some((one) => one.text === talk.asked!.text && Date.now() - Date.parse(one.sent_at) < 60_000) && <Bubble said={{ key: 'asked', text: talk.asked.text, pictures: talk.asked.pictures.map((src) => ({ src })), twin: false }} />}
          {beside ? (
            <Sides sides={beside} busy={talk.busy} pick={(at) => void pick(at)} />
          ) : (
            talk.busy && <Bubble said={{ key: 'growing', text: talk.growing[0]?.text ?? '', twin: true, growing: true, adapter: talk.growing[0]?.adapter }} />
          )}
          <div ref={end} />
        </div>
      </div>
      {canSay ? (
        <Composer send={say} stop={() => void talk.stop()} busy={talk.busy} sees={sees} placeholder={adapters.length === 2 ? `Ask ${adapters.join(' and ')}` : 'Write to the twin'} />
      ) : (
        <Text size="sm" c="dimmed" ta="center" py="sm">
          This conversation goes on in its chat app. <Keys of="g i" /> labels its answers.
        </Text>
      )}
    </>
  );
}

interface OneMessage {
  key: string;
  text: string;
  by_twin?: boolean;
  sent_at: string;
  author_name: string;
  adapter?: string | null;
  feedback?: string[];
  media?: { kind: string; name?: string }[];
}

const SEEN = ['image', 'sticker', 'video'];

/** Where what hangs on a message is seen. */
function picturesOf(one: OneMessage) {
  return (one.media ?? []).map((media, at) => ({ ...media, src: `/api/messages/${encodeURIComponent(one.key)}/pictures/${at}` })).filter((media) => SEEN.includes(media.kind));
}

function asSaid(one: OneMessage, mine: Mine | undefined): Said {
  const kept = one.feedback?.includes('up') ? 'up' : one.feedback?.includes('down') ? 'down' : null;
  return { key: one.key, text: one.text, pictures: picturesOf(one).map((media) => ({ src: media.src, name: media.name })), twin: Boolean(one.by_twin), at: one.sent_at, author: one.author_name, adapter: one.by_twin ? (one.adapter ?? null) : undefined, verdict: mine?.verdict === undefined ? kept : mine.verdict, correction: mine?.correction };
}
