'use client';
// Who may come in? Nobody without a session: a sign-in, or on the first day the choice of a password.
import dynamic from 'next/dynamic';
import type { ReactNode } from 'react';
import { Failed } from '@/components/states';
import { useSession } from '@/lib/session';
import styles from './shell.module.css';

const ComeIn = dynamic(() => import('./sign-in'), { ssr: false });

export function Door({ children }: { children: ReactNode }) {
  const session = useSession();
  if (session.data?.account) return <>{children}</>;
  return (
    <main className={styles.door}>
      {session.data ? <ComeIn session={session.data} /> : session.error ? <Failed error={session.error} retry={() => void session.mutate()} /> : <span role="status" aria-label="Loading" className={styles.pulse} />}
    </main>
  );
}
