'use client';
// What does every component rely on? The theme, one cache of answers, one stream of events, who is signed in.
import { MantineProvider } from '@mantine/core';
import dynamic from 'next/dynamic';
import type { ReactNode } from 'react';
import { SWRConfig } from 'swr';
import { theme, variables } from '@/app/theme';
import { Door } from '@/components/shell/door';
import { Shell } from '@/components/shell/shell';
import { LiveProvider } from '@/lib/live';
import { asProblem } from '@/lib/problem';

const Notifications = dynamic(() => import('@mantine/notifications').then((module) => module.Notifications), { ssr: false });

/** Asking again helps where nobody answered; it does not where the answer was no. */
function worthAsking(error: unknown): boolean {
  const { status } = asProblem(error);
  return status === 0 || status >= 500 || status === 429;
}

export function Providers({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <Notifications position="bottom-right" limit={4} />
      <SWRConfig value={{ keepPreviousData: true, shouldRetryOnError: worthAsking, errorRetryInterval: 4000, focusThrottleInterval: 10_000 }}>
        <Door>
          <LiveProvider>
            <Shell>{children}</Shell>
          </LiveProvider>
        </Door>
      </SWRConfig>
    </MantineProvider>
  );
}
