'use client';
// How much may one person ask for, and how much of it did they use today?
import { Progress, Text, UnstyledButton } from '@mantine/core';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { useGet, type Shapes } from '@/lib/api';
import { number, share } from '@/lib/words';
import styles from './limits.module.css';

export type Person = Shapes['Person'];
export type Limits = Shapes['Limits'];

const Change = dynamic(() => import('./change-limits'), { ssr: false });

/** `change(person)` opens the dialogue; `dialogue(done)` belongs somewhere on the page. */
export function useLimits() {
  const usual = useGet('/api/limits').data;
  const [person, setPerson] = useState<Person>();
  return {
    usual,
    change: setPerson,
    dialogue: (done: () => void) => person && <Change person={person} usual={usual} close={() => setPerson(undefined)} done={done} />,
  };
}

/** Tokens of today, beside the limit where there is one. */
export function Budget({ of, usual, change }: { of: Person; usual: Limits | undefined; change: () => void }) {
  const name = of.name || of.person_id;
  const used = of.tokens_today ?? 0;
  const most = of.limits?.tokens_per_day ?? usual?.tokens_per_day;
  const own = of.limits?.tokens_per_day != null || of.limits?.per_minute != null;
  return (
    <UnstyledButton onClick={change} className={styles.budget} aria-label={`Budget of ${name}`}>
      <Text size="sm" component="span" className="numbers" fw={own ? 600 : undefined} display="block" style={{ whiteSpace: 'nowrap' }}>
        {number(used)}
        <Text span size="xs" c="dimmed">
          {most ? ` of ${number(most)}` : ' no limit'}
        </Text>
      </Text>
      {most ? <Progress mt={3} value={(100 * used) / most} size={4} radius="xl" color={used >= most ? 'red' : 'tide'} aria-label={`${name} used ${share(used / most)} of today's tokens`} /> : null}
    </UnstyledButton>
  );
}
