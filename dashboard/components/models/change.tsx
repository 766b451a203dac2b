'use client';
// What would change? Asked of the twin first, shown in words and figures, done only after a yes.
import { Alert, Group, List, NativeSelect, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconArrowRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { Question } from '@/components/confirm';
import { Shown } from '@/components/states';
import { api, useGet } from '@/lib/api';
import { useLive } from '@/lib/live';
import { tell, tellProblem } from '@/lib/tell';
import { plural, share } from '@/lib/words';

export type Act = (action: 'promote' | 'canary' | 'rollback', version?: string) => Promise<void>;

const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75]; // beside what the settings say

export function useChange(ask: (question: Question) => void): Act {
  const { happened } = useLive();
  return async (action, version) => {
    try {
      const plan = (await api.GET('/api/changes/preview', { params: { query: { action, version } } })).data!;
      let chosen = plan.share; // as the settings have it, until another is chosen
      ask({
        title: action === 'rollback' ? 'Go back to the one before?' : action === 'canary' ? `Try ${version} on some of the chats?` : `Let ${version} answer everybody?`,
        yes: action === 'rollback' ? 'Roll back' : action === 'canary' ? 'Start the trial' : 'Promote',
        danger: action === 'rollback',
        never: !plan.allowed,
        body: action === 'canary' && plan.share ? <Trial version={version!} usual={plan.share} choose={(one) => (chosen = one)} /> : <Plan plan={plan} />,
        run: async () => {
          const done =
            action === 'rollback'
              ? await api.POST('/api/rollback', { body: { why: 'asked for in the dashboard' } })
              : action === 'canary'
                ? await api.POST('/api/adapters/{version}/canary', { params: { path: { version: version! } }, body: { share: chosen } })
                : await api.POST('/api/adapters/{version}/promote', { params: { path: { version: version! } } });
          happened({ name: 'adapter', data: {} }); // that a trial ended is no event
          tell((done.data as { told?: string } | undefined)?.told ?? 'Done.');
        },
      });
    } catch (error) {
      tellProblem(error);
    }
  };
}

/** How many of the chats? What would change follows the choice. */
function Trial({ version, usual, choose }: { version: string; usual: number; choose: (part: number) => void }) {
  const [part, setPart] = useState(usual);
  const plan = useGet('/api/changes/preview', { params: { query: { action: 'canary', version, share: part } } });
  const parts = [...new Set([...SHARES, usual])].sort((a, b) => a - b);
  return (
    <Stack gap="sm">
      <NativeSelect
        label="Share of the chats"
        description={`The settings say ${share(usual)}; a small share risks little, a large one is decided sooner.`}
        value={String(part)}
        onChange={(event) => {
          setPart(Number(event.currentTarget.value));
          choose(Number(event.currentTarget.value));
        }}
        data={parts.map((one) => ({ value: String(one), label: share(one) }))}
      />
      <Shown of={plan} lines={4}>
        {(known) => <Plan plan={known} />}
      </Shown>
    </Stack>
  );
}

interface Change {
  now: string | null;
  after: string | null;
  canary_after?: string | null;
  share?: number | null;
  sentences: string[];
  warnings?: string[];
  chats: number;
  chats_changed: number;
  allowed: boolean;
}

function Plan({ plan }: { plan: Change }) {
  return (
    <Stack gap="sm">
      <Group gap="sm" justify="center" py="xs" className="soft" style={{ borderRadius: 10 }}>
        <Text fw={600}>{plan.now ?? 'base model'}</Text>
        <IconArrowRight size={18} aria-label="becomes" />
        <Text fw={650} size="lg">
          {plan.after ?? 'base model'}
        </Text>
        {plan.canary_after && (
          <Text size="sm" c="dimmed">
            with {plan.canary_after} in {share(plan.share)} of the chats
          </Text>
        )}
      </Group>
      <List size="sm" spacing={4}>
        {plan.sentences.map((sentence) => (
          <List.Item key={sentence}>{sentence}</List.Item>
        ))}
        <List.Item>
          {plan.chats_changed} of {plural(plan.chats, 'chat')} of the last two weeks would be answered by another one.
        </List.Item>
      </List>
      {(plan.warnings ?? []).map((warning) => (
        <Alert key={warning} color="yellow" icon={<IconAlertTriangle size={18} />} p="xs">
          {warning}
        </Alert>
      ))}
    </Stack>
  );
}
