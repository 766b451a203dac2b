'use client';
// What is being said right now? One request says something; its answer is the stream of what the twin says to it.
import { useCallback, useMemo, useRef, useState } from 'react';
import { api, writeHeaders } from './api';
import { events } from './stream';
import { tellProblem } from './tell';

export interface Growing {
  slot: number;
  key: string;
  adapter: string | null | undefined;
  text: string;
  ended: boolean;
}

interface Piece {
  event: 'question' | 'text' | 'done' | 'stopped' | 'failed';
  slot?: number;
  key?: string;
  adapter?: string | null;
  delta?: string;
  message?: { text: string } | null;
  told?: string;
}

export interface Asked {
  text: string;
  pictures: string[];
}

export function useTalk(settled: () => Promise<unknown>) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [growing, setGrowing] = useState<Growing[]>([]);
  const [busy, setBusy] = useState(false);
  const keys = useRef<string[]>([]);
  const request = useRef<AbortController>(null);

  const take = (piece: Piece) => {
    const slot = piece.slot ?? 0;
    if (piece.key) keys.current[slot] = piece.key;
    if (piece.event === 'failed') tellProblem(new Error(piece.told || 'The model could not answer.'));
    if (piece.event === 'question') return;
    setGrowing((all) => {
      const now = [...all];
      const one = now[slot] ?? { slot, key: '', adapter: undefined, text: '', ended: false };
      now[slot] = {
        ...one,
        key: piece.key || one.key,
        adapter: piece.adapter === undefined ? one.adapter : piece.adapter,
        text: piece.event === 'text' ? one.text + (piece.delta ?? '') : (piece.message?.text ?? one.text),
        ended: piece.event !== 'text',
      };
      return now;
    });
  };

  const ask = useCallback(
    async (path: string, body: unknown, shown: Asked | null) => {
      setAsked(shown);
      setGrowing([]);
      keys.current = [];
      setBusy(true);
      request.current = new AbortController();
      try {
        const response = await fetch(path, { method: 'POST', headers: { ...writeHeaders(), 'Content-Type': 'application/json', Accept: 'text/event-stream' }, body: JSON.stringify(body), signal: request.current.signal });
        for await (const { event, data } of events(response)) {
          const piece = JSON.parse(data) as Piece;
          take({ ...piece, event: piece.event ?? (event as Piece['event']) });
        }
      } catch (error) {
        if (!request.current.signal.aborted) tellProblem(error);
      }
      await settled();
      setBusy(false);
      setAsked(null);
      setGrowing([]);
    },
    [settled],
  );

  const stop = useCallback(async () => {
    const going = keys.current.filter(Boolean);
    if (!going.length) request.current?.abort();
    await Promise.all(going.map((key) => api.POST('/api/replies/{key}/stop', { params: { path: { key } } }).catch(() => request.current?.abort())));
  }, []);

  const shown = useMemo(() => growing.filter(Boolean), [growing]);
  return { asked, growing: shown, busy, ask, stop };
}
