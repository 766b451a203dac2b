'use client';
// What would change? Asked of the twin first, shown in words and figures, done only after a yes.
import { Alert, Group, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconArrowRight } from '@tabler/icons-react';
import type { Question } from '@/components/confirm';
import { api } from '@/lib/api';
import { useLive } from '@/lib/live';
import { tell, tellProblem } from '@/lib/tell';
import { plural, share } from '@/lib/words';

export type Act = (action: 'promote' | 'canary' | 'rollback', version?: string) => Promise<void>;

const SHARE = 0.2;

export function useChange(ask: (question: Question) => void): Act {
  const { happened } = useLive();
  return async (action, version) => {
    try {
      const plan = (await api.GET('/api/changes/preview', { params: { query: { action, version, share: action === 'canary' ? SHARE : undefined } } })).data!;
      ask({
        title: action === 'rollback' ? 'Go back to the one before?' : action === 'canary' ? `Try ${version} on some of the chats?` : `Let ${version} answer everybody?`,
        yes: action === 'rollback' ? 'Roll back' : action === 'canary' ? 'Start the trial' : 'Promote',
        danger: action === 'rollback',
        body: <Plan plan={plan} />,
        run: async () => {
          const done =
            action === 'rollback'
              ? await api.POST('/api/rollback', { body: { why: 'asked for in the dashboard' } })
              : action === 'canary'
                ? await api.POST('/api/adapters/{version}/canary', { params: { path: { version: version! } }, body: { share: SHARE } })
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
