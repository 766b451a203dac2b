'use client';
// The dialogue that asks whether something is meant.
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { trying } from '@/lib/tell';
import type { Question } from './confirm';

export default function ConfirmDialogue({ question, opened, close }: { question: Question; opened: boolean; close: () => void }) {
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState('');
  useEffect(() => setTyped(''), [question]);

  const yes = async () => {
    setBusy(true);
    if (await trying(question.run)) close();
    setBusy(false);
  };
  return (
    <Modal opened={opened} onClose={close} title={question.title} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap="md">
        {question.body}
        {question.typed && <TextInput label={`Type ${question.typed} to go on`} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} data-autofocus />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Not now
          </Button>
          <Button color={question.danger ? 'red.8' : undefined} loading={busy} disabled={question.never || (question.typed !== undefined && typed !== question.typed)} onClick={() => void yes()} data-autofocus={question.typed ? undefined : true}>
            {question.yes}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
