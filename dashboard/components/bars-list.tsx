// What share does each have? Bars in words: name, count, a line as long as the share.
import { Text } from '@mantine/core';

export function BarsList({ rows, label }: { rows: { name: string; count: number; wanted?: number | null }[]; label: string }) {
  const total = rows.reduce((sum, row) => sum + row.count, 0) || 1;
  const most = Math.max(...rows.map((row) => row.count), 1);
  return (
    <ul aria-label={label} style={{ margin: 0, padding: 0, listStyle: 'none', display: 'grid', gap: 6 }}>
      {rows.map(({ name, count, wanted }) => (
        <li key={name} style={{ display: 'grid', gridTemplateColumns: 'minmax(5.5rem, 8rem) 1fr 5.4rem', gap: 10, alignItems: 'center' }}>
          <Text size="sm" truncate title={name}>
            {name}
          </Text>
          <span style={{ height: 8, borderRadius: 4, background: 'var(--page-soft)', position: 'relative' }}>
            <span style={{ position: 'absolute', inset: 0, width: `${(count / most) * 100}%`, borderRadius: 4, background: 'var(--mantine-color-tide-5)' }} />
            {wanted != null && <span title={`wanted: ${Math.round(wanted * 100)} %`} style={{ position: 'absolute', top: -3, height: 14, width: 2, left: `${Math.min(100, ((wanted * total) / most) * 100)}%`, background: 'var(--page-warn)' }} />}
          </span>
          <Text size="xs" c="dimmed" ta="right" className="numbers">
            {count.toLocaleString('en')} · {Math.round((count / total) * 100)} %
          </Text>
        </li>
      ))}
    </ul>
  );
}
