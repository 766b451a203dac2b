'use client';
// How does an export get here? Dropped or chosen, sent with a bar that moves; XMLHttpRequest, because fetch tells no progress.
import { Button, FileButton, Group, Progress, Stack, Text } from '@mantine/core';
import { IconFileUpload } from '@tabler/icons-react';
import { useRef, useState, type DragEvent } from 'react';
import { bytes } from '@/lib/words';
import styles from './upload.module.css';

export type Send = (file: File, onProgress: (share: number) => void, signal: AbortSignal) => Promise<void>;

export function Upload({ send, accept, hint }: { send: Send; accept?: string; hint: string }) {
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState(0);
  const [over, setOver] = useState(false);
  const stop = useRef<AbortController>(null);

  const take = async (one: File | null | undefined) => {
    if (!one) return;
    setFile(one);
    setSent(0);
    stop.current = new AbortController();
    try {
      await send(one, setSent, stop.current.signal);
    } finally {
      setFile(null);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };

  return (
    <div
      className={styles.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {file ? (
        <Stack gap={6} w="100%">
          <Group justify="space-between">
            <Text size="sm" truncate>
              {file.name} · {bytes(file.size)}
            </Text>
            <Button size="compact-xs" variant="default" onClick={() => stop.current?.abort()}>
              Stop
            </Button>
          </Group>
          <Progress value={sent * 100} size="lg" radius="xl" aria-label={`Uploading ${file.name}`} />
          <Text size="xs" c="dimmed" className="numbers">
            {sent < 1 ? `${Math.round(sent * 100)} % sent` : 'Sent; reading begins'}
          </Text>
        </Stack>
      ) : (
        <Group gap="md" wrap="nowrap">
          <IconFileUpload size={30} stroke={1.4} aria-hidden />
          <div>
            <FileButton onChange={(one) => void take(one)} accept={accept}>
              {(props) => (
                <Button {...props} size="xs">
                  Choose a file
                </Button>
              )}
            </FileButton>
            <Text size="xs" c="dimmed" mt={4}>
              {hint}
            </Text>
          </div>
        </Group>
      )}
    </div>
  );
}
