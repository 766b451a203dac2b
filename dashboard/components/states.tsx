'use client';
// What does a page show when it has nothing to show? Loading, empty, failed: each says what to do next.
import { Button, Center, Group, Paper, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconRefresh, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { asProblem } from '@/lib/problem';

export function Loading({ lines = 4, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <Stack gap="sm" aria-busy role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={line ? 16 : 28} width={line ? `${92 - ((line * 17) % 40)}%` : '35%'} radius="sm" />
      ))}
    </Stack>
  );
}

export function Empty({ icon: Picture, title, children, action }: { icon: Icon; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap="xs" maw={420}>
        <ThemeIcon size={56} radius="xl" variant="light">
          <Picture size={28} stroke={1.5} aria-hidden />
        </ThemeIcon>
        <Text fw={600} mt={4} ta="center">
          {title}
        </Text>
        {children && (
          <Text size="sm" c="dimmed" ta="center" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asProblem(error);
  return (
    <Paper p="md" className="card" role="alert">
      <Group align="flex-start" wrap="nowrap">
        <IconAlertTriangle size={22} className="bad" aria-hidden />
        <Stack gap={4}>
          <Text fw={600}>{problem.title}</Text>
          <Text size="sm" c="dimmed">
            {problem.detail}
          </Text>
          {retry && (
            <Button mt={4} size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry} w="fit-content">
              Try again
            </Button>
          )}
        </Stack>
      </Group>
    </Paper>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isLoading: boolean;
  mutate: () => unknown;
}

/** The three states of everything that is asked for; `children` sees data only. */
export function Shown<T>({ of, children, lines, empty }: { of: Asked<T>; children: (data: T) => ReactNode; lines?: number; empty?: (data: T) => ReactNode | false }) {
  if (of.data === undefined) {
    if (of.error) return <Failed error={of.error} retry={() => void of.mutate()} />;
    return <Loading lines={lines} />;
  }
  return <>{empty?.(of.data) || children(of.data)}</>;
}
