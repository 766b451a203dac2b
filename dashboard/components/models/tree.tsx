'use client';
// Which adapter came from which? A tree as version control draws it; every row can be chosen.
import { Badge, Group, Text } from '@mantine/core';
import { lineage, type Descended } from '@/lib/lineage';
import { ago } from '@/lib/words';
import { State } from './state';
import styles from './tree.module.css';

export interface TreeAdapter extends Descended {
  method: string;
  note?: string;
}

const ROW = 62;
const LANE = 18;
const COLORS: Record<string, string> = { live: 'var(--mantine-color-tide-6)', canary: '#c98a1b', passed: '#4f74c9', refused: '#c0524c' };

export function Tree({ adapters, chosen, choose }: { adapters: TreeAdapter[]; chosen?: string; choose: (version: string) => void }) {
  const { rows, lanes } = lineage(adapters);
  const width = lanes * LANE + 14;
  const x = (lane: number) => 14 + lane * LANE;
  const y = (row: number) => row * ROW + ROW / 2;
  return (
    <div className={styles.tree}>
      <svg width={width} height={rows.length * ROW} className={styles.lines} aria-hidden>
        {rows.map(({ adapter, lane, parentRow }, row) => {
          if (parentRow === null) return null;
          const parentLane = rows[parentRow]!.lane;
          const bend = lane === parentLane ? '' : ` V${y(parentRow) - ROW / 2} C${x(lane)},${y(parentRow) - 8} ${x(parentLane)},${y(parentRow) - 18} ${x(parentLane)},${y(parentRow)}`;
          return <path key={adapter.version} d={`M${x(lane)},${y(row)}${bend || ` V${y(parentRow)}`}`} fill="none" stroke="var(--mantine-color-default-border)" strokeWidth={2} />;
        })}
        {rows.map(({ adapter, lane }, row) => (
          <circle key={adapter.version} cx={x(lane)} cy={y(row)} r={adapter.state === 'live' ? 7 : 5} fill={COLORS[adapter.state] ?? 'var(--mantine-color-gray-5)'} stroke="var(--page-card)" strokeWidth={2} />
        ))}
      </svg>
      <ul className={styles.rows} aria-label="Adapters, newest first">
        {rows.map(({ adapter }) => (
          <li key={adapter.version} style={{ height: ROW }}>
            <button type="button" className={styles.row} aria-pressed={chosen === adapter.version} onClick={() => choose(adapter.version)}>
              <Group gap={8} wrap="nowrap" justify="space-between">
                <Text fw={600} size="sm" truncate component="span">
                  {adapter.version}
                </Text>
                <State of={adapter.state} />
              </Group>
              <Group gap={6} wrap="nowrap">
                <Badge size="xs" color="gray">
                  {adapter.method}
                </Badge>
                <Text size="xs" c="dimmed" truncate component="span">
                  {adapter.note ?? (adapter.parent ? `from ${adapter.parent}` : 'from the base model')} · {ago(adapter.created_at)}
                </Text>
              </Group>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
