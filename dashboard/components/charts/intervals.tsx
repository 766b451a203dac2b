'use client';
// Which is better, and how sure is that? A point with its interval for each, on one scale.
import { Text } from '@mantine/core';

export interface Measured {
  name: string;
  of: { label: string; color: string; value: number; low?: number | null; high?: number | null }[];
}

const HEIGHT = 16;

export default function IntervalsChart({ title, rows, write }: { title: string; rows: Measured[]; write: (value: number) => string }) {
  const all = rows.flatMap((row) => row.of.flatMap((one) => [one.value, one.low ?? one.value, one.high ?? one.value]));
  const low = Math.min(...all);
  const span = Math.max(...all) - low || 1;
  const at = (value: number) => `${4 + ((value - low) / span) * 92}%`;
  return (
    <div role="img" aria-label={`${title}: ${rows.map((row) => `${row.name} ${row.of.map((one) => `${one.label} ${write(one.value)}`).join(', ')}`).join('; ')}`}>
      {rows.map((row) => (
        <div key={row.name}>
          {row.name && (
            <Text size="xs" c="dimmed">
              {row.name}
            </Text>
          )}
          <svg width="100%" height={row.of.length * HEIGHT + 4} aria-hidden>
            {row.of.map((one, line) => {
              const y = line * HEIGHT + HEIGHT / 2;
              return (
                <g key={one.label} stroke={one.color} fill={one.color}>
                  <line x1="0" x2="100%" y1={y} y2={y} stroke="var(--page-line)" />
                  {one.low != null && one.high != null && <line x1={at(one.low)} x2={at(one.high)} y1={y} y2={y} strokeWidth={4} strokeOpacity={0.35} strokeLinecap="round" />}
                  <circle cx={at(one.value)} cy={y} r={4.5} stroke="var(--page-card)" strokeWidth={1.5} />
                </g>
              );
            })}
          </svg>
        </div>
      ))}
    </div>
  );
}
