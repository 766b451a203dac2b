'use client';
// Who may come in? Nobody without a session: a sign-in, or on the first day the choice of a password.
import { Button, Center, Divider, Loader, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconBrandDiscord } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { Failed } from '@/components/states';
import { asProblem } from '@/lib/problem';
import { enter, setUp, useSession } from '@/lib/session';

export function Door({ children }: { children: ReactNode }) {
  const session = useSession();
  if (session.data?.account) return <>{children}</>;
  return (
    <Center mih="100dvh" p="md" component="main">
      {session.data ? (
        <Paper p="xl" w={380} maw="100%" className="card" shadow="sm">
          <Stack gap="lg">
            <Stack gap={6} align="center">
              {/* eslint-disable-next-line @next/next/no-img-element */}
              <img src="/icon.svg" width={48} height={48} alt="" />
              <Title order={1} ta="center">
                {session.data.owner_name ? `${session.data.owner_name}'s twin` : 'twin'}
              </Title>
              <Text size="sm" c="dimmed" ta="center">
                {session.data.needs_setup ? 'Choose the name and password you sign in with. The code was printed where `twin up` was started.' : 'Sign in to see it, steer it and talk to it.'}
              </Text>
            </Stack>
            {session.data.needs_setup ? <FirstDay /> : <SignIn discord={session.data.methods.includes('discord')} />}
          </Stack>
        </Paper>
      ) : session.error ? (
        <Failed error={session.error} retry={() => void session.mutate()} />
      ) : (
        <Loader size="sm" aria-label="Loading" />
      )}
    </Center>
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
