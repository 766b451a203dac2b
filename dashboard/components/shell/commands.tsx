'use client';
// What can be done by keyboard? `?` or Ctrl+K lists it all; g and a letter goes to a page.
import { Kbd, useMantineColorScheme } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { SpotlightActionData, SpotlightActionGroupData } from '@mantine/spotlight';
import { IconMoonStars } from '@tabler/icons-react';
import dynamic from 'next/dynamic';
import { useRouter } from 'next/navigation';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { PAGES } from './pages';

export interface Command {
  id: string;
  label: string;
  keys?: string;
  run?: () => void;
}

// The list itself is fetched when it is opened for the first time.
const CommandList = dynamic(() => import('./command-list'), { ssr: false });

interface Known {
  offer: (owner: string, commands: Command[]) => void;
  open: () => void;
}

const Context = createContext<Known>({ offer: () => {}, open: () => {} });
export const useCommandList = () => useContext(Context).open;

/** Commands of one page, in the list while it is open. */
export function useCommands(owner: string, commands: Command[]) {
  const { offer } = useContext(Context);
  const written = commands.map(({ id, label, keys }) => `${id}${label}${keys}`).join();
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  useEffect(() => {
    offer(owner, latest.current.map((command) => ({ ...command, run: () => latest.current.find(({ id }) => id === command.id)?.run?.() })));
    return () => offer(owner, []);
  }, [offer, owner, written]);
}

export function Commands({ children }: { children: ReactNode }) {
  const router = useRouter();
  const { toggleColorScheme } = useMantineColorScheme();
  const [offered, setOffered] = useState<Record<string, Command[]>>({});
  const [opened, setOpened] = useState(0);
  const known = useMemo<Known>(
    () => ({
      offer: (owner, commands) => setOffered((all) => ({ ...all, [owner]: commands })),
      open: () => setOpened((times) => times + 1),
    }),
    [],
  );

  const awaiting = useRef(0);
  useHotkeys([
    ['shift+?', known.open],
    ['?', known.open],
    ['mod+K', known.open],
    ['shift+D', () => toggleColorScheme()],
    ['g', () => void (awaiting.current = Date.now())],
    ...PAGES.map((page): [string, () => void] => [
      page.key,
      () => {
        if (Date.now() - awaiting.current < 1200) router.push(page.href);
        awaiting.current = 0;
      },
    ]),
  ]);

  const actions: (SpotlightActionData | SpotlightActionGroupData)[] = [
    ...Object.entries(offered)
      .filter(([, commands]) => commands.length)
      .map(([owner, commands]) => ({
        group: owner,
        actions: commands.map(({ id, label, keys, run }) => ({ id, label, onClick: run, rightSection: keys ? <Keys of={keys} /> : undefined })),
      })),
    {
      group: 'Go to',
      actions: PAGES.map((page) => ({
        id: page.href,
        label: page.name,
        description: page.says,
        onClick: () => router.push(page.href),
        leftSection: <page.icon size={20} stroke={1.5} aria-hidden />,
        rightSection: <Keys of={`g ${page.key}`} />,
      })),
    },
    {
      group: 'Everywhere',
      actions: [{ id: 'dark', label: 'Light or dark', onClick: () => toggleColorScheme(), leftSection: <IconMoonStars size={20} stroke={1.5} aria-hidden />, rightSection: <Keys of="shift D" /> }],
    },
  ];

  return (
    <Context.Provider value={known}>
      {children}
      {opened > 0 && <CommandList actions={actions} opened={opened} />}
    </Context.Provider>
  );
}

export function Keys({ of }: { of: string }) {
  return (
    <span aria-label={`Keys: ${of}`}>
      {of.split(' ').map((key, at) => (
        <Kbd key={at} size="xs" ml={3}>
          {key}
        </Kbd>
      ))}
    </span>
  );
}
