'use client';
// Who is there? Asked once; every write carries the token that comes with the answer.
import useSWR, { mutate } from 'swr';
import { api, keepToken, useGet, type Shapes } from './api';

export type Session = Shapes['State'];
const STATE = '/api/auth/state';

export function useSession() {
  return useSWR([STATE, null], async () => {
    const { data } = await api.GET(STATE);
    keepToken(data!.csrf);
    return data!;
  });
}

export function useMe(): { name: string; role: string } {
  return useSession().data?.account ?? { name: '', role: '' };
}

/** What was known before belongs to somebody else now. */
async function begin() {
  await mutate((key) => !(Array.isArray(key) && key[0] === STATE), undefined, { revalidate: false });
  await mutate([STATE, null]);
}

export async function enter(name: string, password: string) {
  await api.POST('/api/auth/login', { body: { name, password } });
  await begin();
}

export async function setUp(code: string, name: string, password: string) {
  await api.POST('/api/auth/setup', { body: { code, name, password } });
  await begin();
}

export async function leave() {
  await api.POST('/api/auth/logout');
  await begin();
}

/** How many drafts wait for the owner; undefined until that is known. */
export function useWaiting(): number | undefined {
  const me = useMe();
  const drafts = useGet(me.role === 'viewer' || !me.role ? null : '/api/drafts', { params: { query: { limit: 20 } } });
  return drafts.data?.items.length ?? (me.role === 'viewer' || drafts.error ? 0 : undefined);
}
