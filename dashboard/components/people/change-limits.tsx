'use client';
// The dialogue that sets what one person may ask for; empty is as the settings say.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '@/lib/api';
import { trying } from '@/lib/tell';
import { number } from '@/lib/words';
import type { Limits, Person } from './limits';

const written = (value: number | null | undefined) => (value == null ? '' : String(value));
const asNumber = (value: string) => (value.trim() ? Number(value) : null);
const told = (value: number | null | undefined) => (value == null ? 'no limit' : number(value));

export default function ChangeLimits({ person, usual, close, done }: { person: Person; usual: Limits | undefined; close: () => void; done: () => void }) {
  const [tokens, setTokens] = useState(written(person.limits?.tokens_per_day));
  const [perMinute, setPerMinute] = useState(written(person.limits?.per_minute));
  const [busy, setBusy] = useState(false);
  const { platform, person_id } = person;
  const name = person.name || person_id;

  const save = async () => {
    setBusy(true);
    const body = { per_minute: asNumber(perMinute), tokens_per_day: asNumber(tokens) };
    if (await trying(() => api.PUT('/api/people/{platform}/{person_id}/limits', { params: { path: { platform, person_id } }, body }), 'That holds from their next message on.')) {
      done();
      close();
    }
    setBusy(false);
  };
  return (
    <Modal opened onClose={close} title={`What ${name} may ask for`} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Stack gap="md">
          <Text size="sm" c="dimmed">
            Whoever asks for more hears so once, politely, and is not answered until there is room again. {number(person.tokens_today)} tokens were used today.
          </Text>
          <TextInput type="number" min={1} step={1} label="Tokens a day" description={`Read and written for them, in all chats of ${platform}. Empty: ${told(usual?.tokens_per_day)}, as the settings say`} value={tokens} onChange={(event) => setTokens(event.currentTarget.value)} data-autofocus />
          <TextInput type="number" min={1} step={1} label="Messages a minute" description={`That are answered. Empty: ${told(usual?.per_minute)}, as the settings say`} value={perMinute} onChange={(event) => setPerMinute(event.currentTarget.value)} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Not now
            </Button>
            <Button type="submit" loading={busy}>
              Set it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
