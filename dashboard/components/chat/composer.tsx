'use client';
// Where is a message written? Enter sends, Shift+Enter breaks the line; pictures are pasted, dropped or chosen.
import { ActionIcon, FileButton, Group, Textarea, Tooltip } from '@mantine/core';
import { IconArrowUp, IconPhotoPlus, IconPlayerStopFilled, IconX } from '@tabler/icons-react';
import { useRef, useState, type ClipboardEvent } from 'react';
import { asPicture } from '@/lib/picture';
import { tell, tellProblem } from '@/lib/tell';
import styles from './chat.module.css';

const MOST = 4; // pictures of one message, as the API has it

export function Composer({ send, stop, busy, sees, placeholder }: { send: (text: string, pictures: string[]) => void; stop: () => void; busy: boolean; sees: boolean; placeholder: string }) {
  const [text, setText] = useState('');
  const [pictures, setPictures] = useState<string[]>([]);
  const field = useRef<HTMLTextAreaElement>(null);

  const add = async (files: Iterable<File>) => {
    let room = MOST - pictures.length;
    for (const file of files) {
      if (room-- <= 0) return tell(`A message takes ${MOST} pictures.`);
      try {
        const url = await asPicture(file);
        setPictures((all) => [...all, url]);
      } catch (error) {
        tellProblem(error);
      }
    }
  };
  const go = () => {
    if (busy || (!text.trim() && !pictures.length)) return;
    send(text.trim(), pictures);
    setText('');
    setPictures([]);
    field.current?.focus();
  };

  return (
    <div
      className={styles.composer}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void add(event.dataTransfer.files);
      }}
    >
      {pictures.length > 0 && (
        <Group gap="xs" p={6}>
          {pictures.map((src, at) => (
            <div key={src.slice(-40) + at} className={styles.thumb}>
              {/* eslint-disable-next-line @next/next/no-img-element */}
              <img src={src} alt={`Picture ${at + 1} to send`} />
              <ActionIcon size="xs" variant="filled" color="dark" radius="xl" aria-label={`Remove picture ${at + 1}`} onClick={() => setPictures((all) => all.filter((_, other) => other !== at))}>
                <IconX size={11} />
              </ActionIcon>
            </div>
          ))}
        </Group>
      )}
      <Group gap={6} align="flex-end" wrap="nowrap">
        <FileButton multiple accept="image/*" onChange={(files) => void add(files)}>
          {(props) => (
            <Tooltip label={sees ? 'Add a picture, or paste one' : 'Add a picture. This model has no eyes: it is told that there is one'} w={sees ? 'auto' : 220}>
              <ActionIcon {...props} size={38} radius="xl" aria-label="Add a picture">
                <IconPhotoPlus size={20} stroke={1.6} />
              </ActionIcon>
            </Tooltip>
          )}
        </FileButton>
        <Textarea
          ref={field}
          flex={1}
          autosize
          maxRows={8}
          variant="unstyled"
          placeholder={placeholder}
          aria-label="Message"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onPaste={(event: ClipboardEvent) => {
            if (!event.clipboardData.files.length) return;
            event.preventDefault();
            void add(event.clipboardData.files);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              go();
            }
          }}
        />
        {busy ? (
          <ActionIcon size={38} radius="xl" variant="filled" color="dark" onClick={stop} aria-label="Stop">
            <IconPlayerStopFilled size={16} />
          </ActionIcon>
        ) : (
          <ActionIcon size={38} radius="xl" variant="filled" color="tide" onClick={go} aria-label="Send" disabled={!text.trim() && !pictures.length}>
            <IconArrowUp size={20} />
          </ActionIcon>
        )}
      </Group>
    </div>
  );
}
