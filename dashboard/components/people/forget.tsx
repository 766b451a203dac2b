'use client';
// What would be gone? Counted before anything is touched; then one word has to be typed.
import { Group, List, Stack, Text } from '@mantine/core';
import type { Question } from '@/components/confirm';
import { api } from '@/lib/api';
import { tell, tellProblem } from '@/lib/tell';
import { number } from '@/lib/words';

export function useForget(ask: (question: Question) => void) {
  return async (what: string, name?: string) => {
    try {
      const found = (await api.POST('/api/forget/preview', { body: { what } })).data!;
      const snapshots = Object.values(found.snapshots ?? {}).reduce((sum, one) => sum + one, 0);
      ask({
        title: `Forget ${name || what}?`,
        yes: 'Forget for good',
        danger: true,
        typed: 'forget',
        body: (
          <Stack gap="xs">
            <Text size="sm">This takes out, everywhere, and cannot be undone:</Text>
            <Group gap="xl">
              <Count of="records" value={found.records} />
              <Count of="messages" value={found.messages} />
              <Count of="samples in snapshots" value={snapshots} />
            </Group>
            {found.answers_made_with_their_words_in_view > 0 && <Text size="sm">{number(found.answers_made_with_their_words_in_view)} answers were made with their words in view; what they were shown goes, too.</Text>}
            {(found.adapters ?? []).length > 0 && (
              <>
                <Text size="sm">Adapters that learned from it, to be trained again without:</Text>
                <List size="sm">
                  {found.adapters!.map((one) => (
                    <List.Item key={JSON.stringify(one)}>{String(one.version ?? JSON.stringify(one))}</List.Item>
                  ))}
                </List>
              </>
            )}
          </Stack>
        ),
        run: async () => {
          await api.POST('/api/forget', { body: { what, confirm: 'forget' } });
          tell('Forgotten.');
        },
      });
    } catch (error) {
      tellProblem(error);
    }
  };
}

function Count({ of, value }: { of: string; value: number }) {
  return (
    <div>
      <Text fw={600} size="lg" className="numbers">
        {number(value)}
      </Text>
      <Text size="xs" c="dimmed">
        {of}
      </Text>
    </div>
  );
}
