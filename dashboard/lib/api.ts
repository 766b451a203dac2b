'use client';
// How is the twin asked? By a client whose types come from the API's own description (lib/schema.d.ts, generated).
import createClient from 'openapi-fetch';
import type { PathsWithMethod } from 'openapi-typescript-helpers';
import useSWR, { type SWRConfiguration, type SWRResponse } from 'swr';
import useSWRInfinite from 'swr/infinite';
import { touches } from './events';
import { useEvents } from './live';
import { problemOf } from './problem';
import type { components, paths } from './schema';

export type Shapes = components['schemas'];

let csrf = '';
export const keepToken = (token: string | null | undefined) => void (csrf = token ?? '');

function once(): string {
  // randomUUID is missing where the page came over plain HTTP from another machine.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What every write carries: proof that it comes from this page, and a key so that trying again does it once. */
export function writeHeaders(): Record<string, string> {
  return { 'X-CSRF-Token': csrf, 'Idempotency-Key': once() };
}

export const api = createClient<paths>({ baseUrl: '' });
api.use({
  onRequest({ request }) {
    if (request.method !== 'GET') for (const [name, value] of Object.entries(writeHeaders())) request.headers.set(name, value);
  },
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
});

type GetPath = PathsWithMethod<paths, 'get'>;
type Asked<P extends GetPath> = paths[P] extends { get: { parameters: infer Parameters } } ? Parameters : never;
type Init<P extends GetPath> = { params: { [Part in 'query' | 'path' as Asked<P> extends Record<Part, unknown> ? Part : never]: Asked<P>[Part & keyof Asked<P>] } & { query?: 'query' extends keyof Asked<P> ? Asked<P>['query'] : never } };
type Answer<P extends GetPath> = paths[P] extends { get: { responses: { 200: { content: { 'application/json': infer Said } } } } } ? Said : never;

/** What is at `path` now, and again whenever an event touches it. `null`: not asked yet. */
export function useGet<P extends GetPath>(path: P | null, init?: Init<P>, options?: SWRConfiguration): SWRResponse<Answer<P>> {
  const key = path && [path, (init as { params?: unknown } | undefined)?.params ?? null];
  return useSWR(key, async () => (await (api.GET as (path: P, init?: Init<P>) => Promise<{ data?: unknown }>)(path!, init)).data as Answer<P>, options);
}

type Items<T> = T extends { items: (infer One)[] } ? One[] : never;

/** The items of a list that is short enough to come at once. */
export function useItems<P extends GetPath>(path: P | null, init?: Init<P>, options?: SWRConfiguration) {
  const answer = useGet(path, init, options);
  return { ...answer, data: answer.data === undefined ? undefined : (answer.data as { items: unknown[] }).items as Items<Answer<P>> };
}

interface Paged<T> {
  items: T[] | undefined;
  error: unknown;
  isLoading: boolean;
  more: (() => void) | undefined;
  mutate: () => unknown;
}

/** A list that comes page by page; `more` is there while more follows. */
export function usePages<P extends GetPath>(path: P | null, params: { path?: Record<string, string>; query?: Record<string, unknown> }): Paged<Answer<P> extends { items: (infer T)[] } ? T : never> {
  type Item = Answer<P> extends { items: (infer T)[] } ? T : never;
  const answer = useSWRInfinite<{ items: Item[]; next: string | null }>(
    (_: number, before: { next: string | null } | null) => (path === null || (before && !before.next) ? null : [path, { ...params, query: { ...params.query, cursor: before?.next ?? undefined } }]),
    async ([at, asked]: [P, unknown]) => (await (api.GET as (path: P, init: unknown) => Promise<{ data?: unknown }>)(at, { params: asked })).data as { items: Item[]; next: string | null },
    { revalidateFirstPage: true },
  );
  useEvents((event) => path !== null && touches(event, path) && void answer.mutate());
  const more = answer.data?.at(-1)?.next ? () => void answer.setSize(answer.size + 1) : undefined;
  return { items: answer.data?.flatMap((page) => page.items), error: answer.error, isLoading: answer.isLoading, more, mutate: answer.mutate };
}
