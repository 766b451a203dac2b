'use client';
// What waits for a decision? Drafts to approve, answers to label; one key each.
import { Badge, SegmentedControl, Text } from '@mantine/core';
import { useState } from 'react';
import { Drafts } from '@/components/inbox/drafts';
import { Label } from '@/components/inbox/label';
import { Page } from '@/components/page';
import { Loading } from '@/components/states';
import { useWaiting } from '@/lib/session';

export default function Inbox() {
  const waiting = useWaiting();
  const [shown, setShown] = useState<string>();
  if (shown === undefined && waiting !== undefined) setShown(waiting ? 'drafts' : 'label'); // once: it never turns by itself
  return (
    <Page
      title="Inbox"
      narrow
      lead="Every decision teaches the twin; keys make it quick"
      actions={
        <SegmentedControl
          value={shown ?? ''}
          onChange={(value) => {
            setShown(value);
            (document.activeElement as HTMLElement | null)?.blur(); // so that keys go to the list again
          }}
          aria-label="What to decide"
          data={[
            {
              value: 'drafts',
              label: (
                <Text size="sm" component="span">
                  Drafts {!!waiting && <Badge size="sm" component="span">{waiting}</Badge>}
                </Text>
              ),
            },
            { value: 'label', label: 'Answers to label' },
          ]}
        />
      }
    >
      {shown === 'drafts' ? <Drafts /> : shown ? <Label /> : <Loading lines={6} />}
    </Page>
  );
}
