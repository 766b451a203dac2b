'use client';
// What is new, without asking? One stream of events for the whole dashboard; each makes what it is about be read again.
//
// A browser's EventSource reconnects by itself and names the last event it saw. Where it gives up (an answer that is an
// error), it is opened again here, later each time, still from that event; and whatever was missed is read again.
import { useNetwork } from '@mantine/hooks';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useSWRConfig } from 'swr';
import { EVENTS, EVENTS_PATH, MISSED, touches, type LiveEvent } from './events';

interface Live {
  connected: boolean;
  online: boolean;
  listen: (hear: (event: LiveEvent) => void) => () => void;
  happened: (event: LiveEvent) => void; // what was done here: not everything comes back as an event
}

const Context = createContext<Live>({ connected: false, online: true, listen: () => () => {}, happened: () => {} });
const SLOWEST_MS = 20_000;
const GATHER_MS = 250; // events that come together are acted on together

export function LiveProvider({ children }: { children: ReactNode }) {
  const { online } = useNetwork();
  const [connected, setConnected] = useState(false);
  const listeners = useRef(new Set<(event: LiveEvent) => void>());
  const { mutate } = useSWRConfig();

  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = 500;
    let last = '';
    let lost = false;
    let gathering: ReturnType<typeof setTimeout> | undefined;
    let gathered: LiveEvent[] = [];

    const act = () => {
      const all = gathered;
      gathered = [];
      gathering = undefined;
      all.forEach((event) => listeners.current.forEach((listener) => listener(event)));
      void mutate((key) => all.some((event) => touches(event, key)));
    };
    const gather = (event: LiveEvent) => {
      gathered.push(event);
      gathering ??= setTimeout(act, GATHER_MS);
    };
    const hear = (name: string) => (raw: MessageEvent<string>) => {
      last = raw.lastEventId || last;
      let data: Record<string, unknown> = {};
      try {
        data = JSON.parse(raw.data) as Record<string, unknown>;
      } catch {
        return;
      }
      gather({ name, data });
    };
    const open = () => {
      source = new EventSource(last ? `${EVENTS_PATH}?last_event_id=${encodeURIComponent(last)}` : EVENTS_PATH);
      source.onopen = () => {
        wait = 500;
        setConnected(true);
        if (lost) gather(MISSED);
        lost = false;
      };
      source.onerror = () => {
        setConnected(false);
        lost = true;
        if (source?.readyState !== EventSource.CLOSED) return;
        source.close();
        timer = setTimeout(open, wait);
        wait = Math.min(wait * 2, SLOWEST_MS);
      };
      for (const name of EVENTS) source.addEventListener(name, hear(name) as EventListener);
    };
    open();
    return () => {
      clearTimeout(timer);
      clearTimeout(gathering);
      source?.close();
    };
  }, [mutate]);

  const live = useMemo<Live>(
    () => ({
      connected,
      online,
      listen: (one) => {
        listeners.current.add(one);
        return () => listeners.current.delete(one);
      },
      happened: (event) => {
        listeners.current.forEach((listener) => listener(event));
        void mutate((key) => touches(event, key));
      },
    }),
    [connected, online, mutate],
  );
  return <Context.Provider value={live}>{children}</Context.Provider>;
}

export const useLive = () => useContext(Context);

/** Calls `hear` for every event while the component is there. */
export function useEvents(hear: (event: LiveEvent) => void) {
  const { listen } = useLive();
  const latest = useRef(hear);
  useEffect(() => {
    latest.current = hear;
  });
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}
