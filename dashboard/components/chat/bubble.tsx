'use client';
// One message in the conversation. Under what the twin said: like, dislike, correct, again, why.
import { ActionIcon, Button, Group, Text, Textarea, Tooltip } from '@mantine/core';
import { IconArrowsShuffle, IconBulb, IconPencil, IconThumbDown, IconThumbDownFilled, IconThumbUp, IconThumbUpFilled } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { ago, moment } from '@/lib/words';
import styles from './chat.module.css';

export interface Said {
  key: string;
  text: string;
  twin: boolean;
  at?: string;
  author?: string;
  pictures?: { src: string; name?: string }[];
  adapter?: string | null;
  verdict?: 'up' | 'down' | null;
  correction?: string | null;
  growing?: boolean;
}

export interface Doings {
  judge: (key: string, verdict: 'up' | 'down') => void;
  correct: (key: string, text: string) => Promise<boolean>;
  again: (key: string) => void;
  why: (key: string) => void;
}

export function Bubble({ said, doings, last, grown }: { said: Said; doings?: Doings; last?: boolean; grown?: () => void }) {
  const [editing, setEditing] = useState(false);
  return (
    <div className={styles.turn} data-twin={said.twin || undefined}>
      <div className={styles.bubble} data-twin={said.twin || undefined}>
        {said.pictures?.map((one) => (
          <Picture key={one.src} {...one} grown={grown} />
        ))}
        {editing ? (
          <Correcting
            text={said.correction ?? said.text}
            save={async (text) => {
              if (await doings!.correct(said.key, text)) setEditing(false);
            }}
            leave={() => setEditing(false)}
          />
        ) : (
          <>
            <div className={`said ${said.correction ? styles.corrected : ''}`}>
              {said.text}
              {said.growing && <span className={styles.caret} aria-hidden />}
            </div>
            {said.correction && (
              <div className={`said ${styles.correction}`}>
                <span className="unseen">Should have been: </span>
                {said.correction}
              </div>
            )}
          </>
        )}
      </div>
      {doings && said.twin && !said.growing && !editing && (
        <Group gap={2} className={styles.doings} data-last={last || undefined}>
          <Act name="Like" on={said.verdict === 'up'} run={() => doings.judge(said.key, 'up')}>
            {said.verdict === 'up' ? <IconThumbUpFilled size={16} /> : <IconThumbUp size={16} stroke={1.6} />}
          </Act>
          <Act name="Dislike" on={said.verdict === 'down'} run={() => doings.judge(said.key, 'down')}>
            {said.verdict === 'down' ? <IconThumbDownFilled size={16} /> : <IconThumbDown size={16} stroke={1.6} />}
          </Act>
          <Act name="Correct it" run={() => setEditing(true)}>
            <IconPencil size={16} stroke={1.6} />
          </Act>
          {last && (
            <Act name="Say it again, differently" run={() => doings.again(said.key)}>
              <IconArrowsShuffle size={16} stroke={1.6} />
            </Act>
          )}
          <Act name="Why this answer?" run={() => doings.why(said.key)}>
            <IconBulb size={16} stroke={1.6} />
          </Act>
          <Text size="xs" c="dimmed" ml={6} title={moment(said.at)}>
            {said.adapter === undefined ? '' : `${said.adapter ?? 'base model'} · `}
            {ago(said.at)}
          </Text>
        </Group>
      )}
    </div>
  );
}

/** What a chat app no longer hands out is told by its name. */
function Picture({ src, name, grown }: { src: string; name?: string; grown?: () => void }) {
  const [gone, setGone] = useState(false);
  if (gone) {
    return (
      <Text size="sm" c="dimmed" fs="italic">
        {name || 'A picture'} that can no longer be seen
      </Text>
    );
  }
  return (
    <a href={src.startsWith('data:') ? undefined : src} target="_blank" rel="noreferrer">
      {/* eslint-disable-next-line @next/next/no-img-element */}
      <img src={src} alt={name || 'Picture sent with the message'} className={styles.picture} onLoad={grown} onError={() => setGone(true)} />
    </a>
  );
}

function Act({ name, on, run, children }: { name: string; on?: boolean; run: () => void; children: ReactNode }) {
  return (
    <Tooltip label={name} w="auto">
      <ActionIcon size="md" color={on ? 'tide' : 'gray'} aria-label={name} aria-pressed={on} onClick={run}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** Edit-to-correct: what it should have said. Enter saves, Escape leaves. */
export function Correcting({ text, save, leave }: { text: string; save: (text: string) => Promise<void>; leave: () => void }) {
  const [now, setNow] = useState(text);
  const [busy, setBusy] = useState(false);
  const done = async () => {
    setBusy(true);
    await save(now.trim());
    setBusy(false);
  };
  return (
    <div className={styles.correcting}>
      <Textarea
        autosize
        minRows={2}
        aria-label="What it should have said"
        value={now}
        data-autofocus
        autoFocus
        onChange={(event) => setNow(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') leave();
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            if (now.trim()) void done();
          }
        }}
      />
      <Group gap={6} mt={6} justify="flex-end">
        <Button size="compact-sm" variant="default" onClick={leave}>
          Leave it
        </Button>
        <Button size="compact-sm" loading={busy} disabled={!now.trim() || now.trim() === text} onClick={() => void done()}>
          Save the correction
        </Button>
      </Group>
    </div>
  );
}
