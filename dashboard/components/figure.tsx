'use client';
// What does this number say? Every number drawn carries its definition: on hover, on focus, by touch.
import { Group, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { DEFINITIONS, type Defined } from '@/lib/definitions';
import styles from './figure.module.css';

/** A word with its definition. */
export function Term({ of, children }: { of: Defined; children?: ReactNode }) {
  const { name, means } = DEFINITIONS[of];
  return (
    <Tooltip label={means}>
      <span className={styles.term} tabIndex={0} aria-description={means}>
        {children ?? name}
      </span>
    </Tooltip>
  );
}

/** One number with its name. */
export function Figure({ of, value, unit, tone, note }: { of: Defined; value: ReactNode; unit?: string; tone?: 'good' | 'bad' | 'warn'; note?: ReactNode }) {
  return (
    <div className={styles.figure}>
      <Text size="xs" c="dimmed" component="div">
        <Term of={of} />
      </Text>
      <Group gap={4} align="baseline" wrap="nowrap">
        <span className={`${styles.value} numbers ${tone ?? ''}`}>{value ?? '–'}</span>
        {unit && (
          <Text size="sm" c="dimmed" component="span">
            {unit}
          </Text>
        )}
      </Group>
      {note && (
        <Text size="xs" c="dimmed" component="div">
          {note}
        </Text>
      )}
    </div>
  );
}
