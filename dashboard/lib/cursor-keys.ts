'use client';
// How does one go through a list by keyboard? j and k move; the current one stays current when the list changes.
import { useHotkeys } from '@mantine/hooks';
import { useEffect, useState } from 'react';

export function useListKeys(keys: string[]): { current: string | undefined; choose: (key: string) => void; next: () => void } {
  const [at, setAt] = useState(0);
  const [chosen, setChosen] = useState<string>();
  const found = chosen ? keys.indexOf(chosen) : -1;
  const index = Math.min(found >= 0 ? found : at, Math.max(0, keys.length - 1));
  useEffect(() => setAt(index), [index]);

  const move = (by: number) => {
    const to = keys[Math.max(0, Math.min(keys.length - 1, index + by))];
    if (to) setChosen(to);
  };
  useHotkeys([
    ['j', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowDown', () => move(1)],
    ['ArrowUp', () => move(-1)],
  ]);
  return { current: keys[index], choose: setChosen, next: () => move(1) };
}
