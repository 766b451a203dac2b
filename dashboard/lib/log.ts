'use client';
// How does one follow a log? By asking for what came since, a second after the last answer, until the run is over.
import { useEffect, useState } from 'react';
import { api } from './api';

const LINES = 400;
const PAUSE_MS = 1000;

export function useLog(id: string | null): string[] {
  const [lines, setLines] = useState<string[]>([]);
  useEffect(() => {
    if (!id) return;
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    let text = '';
    const ask = async (after?: number) => {
      let next = after;
      let ended = false;
      try {
        const { data } = await api.GET('/api/runs/{run_id}/log', { params: { path: { run_id: id }, query: { after } } });
        next = data!.next;
        ended = data!.ended;
        text = (text + data!.text).split('\n').slice(-LINES).join('\n');
        if (!over) setLines(text.trimEnd() ? text.trimEnd().split('\n') : []);
      } catch {
        // The twin is away: asked again below.
      }
      if (!over && !ended) timer = setTimeout(() => void ask(next), PAUSE_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [id]);
  return lines;
}
