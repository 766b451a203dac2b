'use client';
// How does one come in? With a name and a password, on the first day with the code of the terminal; fetched only for who is outside.
import { Button, Divider, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconBrandDiscord } from '@tabler/icons-react';
import { useState } from 'react';
import { asProblem } from '@/lib/problem';
import { enter, setUp, type Session } from '@/lib/session';

export default function ComeIn({ session }: { session: Session }) {
  return (
    <Paper p="xl" w={380} maw="100%" className="card" shadow="sm">
      <Stack gap="lg">
        <Stack gap={6} align="center">
          {/* eslint-disable-next-line @next/next/no-img-element */}
          <img src="/icon.svg" width={48} height={48} alt="" />
          <Title order={1} ta="center">
            {session.owner_name ? `${session.owner_name}'s twin` : 'twin'}
          </Title>
          <Text size="sm" c="dimmed" ta="center">
            {session.needs_setup ? 'Choose the name and password you sign in with. The code was printed where `twin up` was started.' : 'Sign in to see it, steer it and talk to it.'}
          </Text>
        </Stack>
        {session.needs_setup ? <FirstDay /> : <SignIn discord={session.methods.includes('discord')} />}
      </Stack>
    </Paper>
  );
}

/** A form that tells what was wrong under its last field. */
function useTrying(what: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  return {
    busy,
    wrong,
    go: async () => {
      setBusy(true);
      setWrong('');
      try {
        await what();
      } catch (error) {
        const { title, detail } = asProblem(error);
        setWrong(detail || title);
      }
      setBusy(false);
    },
  };
}

function SignIn({ discord }: { discord: boolean }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { busy, wrong, go } = useTrying(() => enter(name, password));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      <Stack gap="sm">
        <TextInput label="Name" autoComplete="username" required value={name} onChange={(event) => setName(event.currentTarget.value)} autoFocus />
        <PasswordInput label="Password" autoComplete="current-password" required value={password} error={wrong || undefined} onChange={(event) => setPassword(event.currentTarget.value)} />
        <Button type="submit" loading={busy} mt="xs">
          Sign in
        </Button>
        {discord && (
          <>
            <Divider label="or" />
            <Button component="a" href="/api/auth/discord" variant="default" leftSection={<IconBrandDiscord size={18} aria-hidden />}>
              Sign in with Discord
            </Button>
          </>
        )}
      </Stack>
    </form>
  );
}

function FirstDay() {
  const [code, setCode] = useState(() => (typeof location === 'undefined' ? '' : (new URLSearchParams(location.hash.slice(1)).get('setup') ?? '')));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { busy, wrong, go } = useTrying(() => setUp(code, name, password));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      <Stack gap="sm">
        <TextInput label="Code" description="from the terminal" required value={code} onChange={(event) => setCode(event.currentTarget.value)} autoComplete="off" />
        <TextInput label="Name" autoComplete="username" required value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <PasswordInput label="Password" description="at least 8 characters" autoComplete="new-password" required minLength={8} value={password} error={wrong || undefined} onChange={(event) => setPassword(event.currentTarget.value)} />
        <Button type="submit" loading={busy} mt="xs">
          Begin
        </Button>
      </Stack>
    </form>
  );
}
