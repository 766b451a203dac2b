'use client';
// Where am I, where can I go, is the twin there? Navigation beside the page; on a phone, tabs below it.
import { ActionIcon, AppShell, Box, Button, Group, Kbd, Stack, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconLogout, IconMoonStars, IconSearch, IconSun, IconWifiOff } from '@tabler/icons-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { useLive } from '@/lib/live';
import { leave, useMe, useWaiting } from '@/lib/session';
import { Commands, useCommandList } from './commands';
import { PAGES } from './pages';
import styles from './shell.module.css';

export function Shell({ children }: { children: ReactNode }) {
  const { online, connected } = useLive();
  const path = usePathname();
  const here = path === '/' ? '/chat/' : path;
  const waiting = useWaiting();
  return (
    <Commands>
      <a className="skip-link" href="#page">
        Skip to the page
      </a>
      <AppShell layout="alt" navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: true } }} header={{ height: { base: 52, sm: 0 } }} padding={0}>
        <AppShell.Header hiddenFrom="sm" className={styles.nav}>
          <Group h="100%" px="md" justify="space-between">
            <Name />
            <Group gap={4}>
              <Search small />
              <Scheme />
              <Account />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="sm" className={styles.nav} aria-label="Pages">
          <Box px="sm" py={6} mb="sm">
            <Name />
          </Box>
          <Stack gap={2}>
            {PAGES.map((page) => (
              <Link key={page.href} href={page.href} className={styles.link} aria-current={here === page.href ? 'page' : undefined}>
                <page.icon size={19} stroke={1.6} aria-hidden />
                {page.name}
                {page.href === '/inbox/' && !!waiting && (
                  <span className={`${styles.count} numbers`} aria-label={`${waiting} waiting`}>
                    {waiting}
                  </span>
                )}
              </Link>
            ))}
          </Stack>
          <Stack gap="sm" mt="auto">
            <Search />
            <Group justify="space-between" px={6}>
              <Group gap={8}>
                <span className={styles.pulse} data-live={connected || undefined} />
                <Text size="xs" c="dimmed">
                  {connected ? 'live' : 'connecting'}
                </Text>
              </Group>
              <Group gap={2}>
                <Scheme />
                <Account />
              </Group>
            </Group>
          </Stack>
        </AppShell.Navbar>
        <AppShell.Main>
          {!online && (
            <div className={styles.offline} role="status">
              <IconWifiOff size={15} style={{ verticalAlign: '-2px' }} aria-hidden /> You are offline. What you see is what was there last; it goes on by itself.
            </div>
          )}
          <Box id="page" tabIndex={-1} p={{ base: 'md', sm: 'xl' }} pb={{ base: 96, sm: 'xl' }} style={{ outline: 'none' }}>
            {children}
          </Box>
        </AppShell.Main>
        <Box component="nav" className={styles.tabs} hiddenFrom="sm" aria-label="Pages">
          {PAGES.map((page) => (
            <Link key={page.href} href={page.href} className={styles.tab} aria-current={here === page.href ? 'page' : undefined}>
              <page.icon size={20} stroke={1.6} aria-hidden />
              {page.name}
              {page.href === '/inbox/' && !!waiting && <span className={styles.dot} aria-label={`${waiting} waiting`} />}
            </Link>
          ))}
        </Box>
      </AppShell>
    </Commands>
  );
}

function Name() {
  return (
    <Group gap={10}>
      {/* eslint-disable-next-line @next/next/no-img-element */}
      <img src="/icon.svg" width={26} height={26} alt="" />
      <Text fw={650} size="lg" lts="-0.02em">
        twin
      </Text>
    </Group>
  );
}

function Search({ small }: { small?: boolean }) {
  const open = useCommandList();
  if (small) {
    return (
      <ActionIcon size="lg" onClick={open} aria-label="Commands">
        <IconSearch size={19} stroke={1.6} />
      </ActionIcon>
    );
  }
  return (
    <Button variant="default" size="xs" justify="space-between" fullWidth onClick={open} leftSection={<IconSearch size={15} aria-hidden />} rightSection={<Kbd size="xs">?</Kbd>} className="card">
      <Text size="xs" c="dimmed" component="span">
        Commands
      </Text>
    </Button>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: true }) === 'dark';
  return (
    <Tooltip label={dark ? 'Light' : 'Dark'} w="auto">
      <ActionIcon size="lg" onClick={() => setColorScheme(dark ? 'light' : 'dark')} aria-label={dark ? 'Use light colours' : 'Use dark colours'}>
        {dark ? <IconSun size={19} stroke={1.6} /> : <IconMoonStars size={19} stroke={1.6} />}
      </ActionIcon>
    </Tooltip>
  );
}

function Account() {
  const me = useMe();
  return (
    <Tooltip label={`Sign out (${me.name}, ${me.role})`} w="auto">
      <ActionIcon size="lg" aria-label="Sign out" onClick={() => void leave()}>
        <IconLogout size={19} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}
