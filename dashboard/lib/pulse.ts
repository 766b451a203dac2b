// How do the buckets of the API become curves? One column for each adapter or chat app, one row for each bucket.
import type { Row, Series } from '@/components/charts/series';

export const nameOf = (adapter: string | null | undefined) => adapter ?? 'base model';

interface Moment {
  at: string;
  adapter: string | null;
  liked: number;
  disliked: number;
}

/** `value` of the buckets before each point, `over` of them together, so that a day with two opinions is no peak. */
export function byAdapter<T extends Moment>(moments: T[], value: (one: { liked: number; disliked: number }) => number | null, over: number): { rows: Row[]; series: Series[] } {
  const times = [...new Set(moments.map((one) => one.at))].sort();
  const names = [...new Set(moments.map((one) => nameOf(one.adapter)))];
  const rows = times.map((at, place) => {
    const row: Row = { at };
    for (const name of names) {
      const recent = moments.filter((one) => nameOf(one.adapter) === name && one.at <= at && one.at >= times[Math.max(0, place - over + 1)]!);
      const here = recent.some((one) => one.at === at);
      row[name] = here ? value({ liked: recent.reduce((sum, one) => sum + one.liked, 0), disliked: recent.reduce((sum, one) => sum + one.disliked, 0) }) : null;
    }
    return row;
  });
  return { rows, series: names.map((name) => ({ name })) };
}

export function heardBy(heard: { at: string; platform: string; messages: number }[]): { rows: Row[]; series: Series[] } {
  const names = [...new Set(heard.map((one) => one.platform))].sort();
  const rows = new Map<string, Row>();
  for (const { at, platform, messages } of heard) {
    const row = rows.get(at) ?? { at };
    row[platform] = messages;
    rows.set(at, row);
  }
  return { rows: [...rows.values()].sort((a, b) => String(a.at).localeCompare(String(b.at))), series: names.map((name) => ({ name })) };
}

export interface Of {
  replies: number;
  judged: number;
  rate: number | null;
  hits: number | null;
  prompt: number;
  completion: number;
}

interface OfAdapter {
  replies: number;
  liked: number;
  disliked: number;
  memory_hits: number | null;
  prompt_tokens: number;
  completion_tokens: number;
}

export function joined(adapters: OfAdapter[]): Of {
  const sum = (of: (one: OfAdapter) => number) => adapters.reduce((total, one) => total + of(one), 0);
  const replies = sum((one) => one.replies);
  const judged = sum((one) => one.liked + one.disliked);
  return {
    replies,
    judged,
    rate: judged ? sum((one) => one.liked) / judged : null,
    hits: replies ? sum((one) => (one.memory_hits ?? 0) * one.replies) / replies : null,
    prompt: sum((one) => one.prompt_tokens),
    completion: sum((one) => one.completion_tokens),
  };
}
