'use client';
// How does every page begin, and what do its parts stand on?
import { Box, Group, Paper, Stack, Text, Title, type PaperProps } from '@mantine/core';
import type { ReactNode } from 'react';

export function Page({ title, lead, actions, children, wide, narrow }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean; narrow?: boolean }) {
  return (
    <Stack gap="lg" maw={narrow ? 780 : wide ? 1480 : 1180} mx="auto" w="100%">
      <title>{`${title} · twin`}</title>
      <Group justify="space-between" align="flex-end" gap="sm">
        <Box miw={0}>
          <Title order={1}>{title}</Title>
          {lead && (
            <Text size="sm" c="dimmed" mt={2} component="div">
              {lead}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

export function Panel({ title, hint, actions, children, ...paper }: { title?: ReactNode; hint?: ReactNode; actions?: ReactNode; children: ReactNode } & PaperProps) {
  return (
    <Paper p="md" className="card panel" component="section" {...paper}>
      {(title || actions) && (
        <Group justify="space-between" mb="sm" gap="xs" align="flex-start">
          <Box miw={0}>
            {title && <Title order={2}>{title}</Title>}
            {hint && (
              <Text size="xs" c="dimmed" component="div">
                {hint}
              </Text>
            )}
          </Box>
          {actions}
        </Group>
      )}
      {children}
    </Paper>
  );
}
