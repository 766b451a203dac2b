'use client';
// Did the gate let it pass, and by how much? One line for each axis: the difference, its interval, the limit.
import { Badge, Group, Stack, Text, Tooltip } from '@mantine/core';
import { number } from '@/lib/words';
import styles from './axes.module.css';

export interface Axis {
  name: string;
  passed: boolean;
  words: string;
  judged?: boolean;
  figure?: number | null;
  low?: number | null;
  high?: number | null;
  limit?: number | null;
}

export function Axes({ axes }: { axes: Axis[] }) {
  const ordered = [...axes].sort((a, b) => Number(a.passed) - Number(b.passed) || Number(b.judged ?? true) - Number(a.judged ?? true));
  return (
    <Stack gap={0} component="ul" className={styles.axes}>
      {ordered.map((axis) => (
        <li key={axis.name} className={styles.axis}>
          <Group gap={8} justify="space-between" wrap="nowrap">
            <Text size="sm" fw={550}>
              {axis.name}
            </Text>
            <Badge size="sm" color={!axis.passed ? 'red' : axis.judged === false ? 'gray' : 'tide'}>
              {!axis.passed ? 'failed' : axis.judged === false ? 'only reported' : 'passed'}
            </Badge>
          </Group>
          <Interval axis={axis} />
          <Text size="xs" c="dimmed">
            {axis.words}
          </Text>
        </li>
      ))}
    </Stack>
  );
}

function Interval({ axis: { figure, low, high, limit, passed } }: { axis: Axis }) {
  if (figure == null) return null;
  const ends = [figure, low ?? figure, high ?? figure, limit ?? figure, 0];
  const from = Math.min(...ends);
  const span = Math.max(...ends) - from || 1;
  const x = (value: number) => `${3 + ((value - from) / span) * 94}%`;
  const color = passed ? 'var(--mantine-color-tide-6)' : '#c0524c';
  const said = `${number(figure, 3)}${low != null && high != null ? `, interval ${number(low, 3)} to ${number(high, 3)}` : ''}${limit != null ? `, limit ${number(limit, 3)}` : ''}`;
  return (
    <Tooltip label={`Difference to the one beside it: ${said}. The grey line is no difference, the dashed one the limit.`}>
      <svg width="100%" height="22" role="img" aria-label={said} tabIndex={0}>
        <line x1="0" x2="100%" y1="11" y2="11" stroke="var(--page-line)" />
        <line x1={x(0)} x2={x(0)} y1="3" y2="19" stroke="var(--mantine-color-dimmed)" />
        {limit != null && <line x1={x(limit)} x2={x(limit)} y1="2" y2="20" stroke="#c0524c" strokeWidth="1.5" strokeDasharray="3 2" />}
        {low != null && high != null && <line x1={x(low)} x2={x(high)} y1="11" y2="11" stroke={color} strokeOpacity="0.35" strokeWidth="6" strokeLinecap="round" />}
        <circle cx={x(figure)} cy="11" r="5" fill={color} stroke="var(--page-card)" strokeWidth="1.5" />
      </svg>
    </Tooltip>
  );
}
