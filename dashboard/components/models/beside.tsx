'use client';
// Which of two is better, and how sure is that? Every figure that was measured of either, drawn on one scale.
import { Group, Table, Text } from '@mantine/core';
import { Intervals } from '@/components/charts';
import { Rows } from '@/components/table';
import { Empty, Shown } from '@/components/states';
import { Term } from '@/components/figure';
import { IconRulerMeasure } from '@tabler/icons-react';
import { useGet } from '@/lib/api';
import { isDefined } from '@/lib/definitions';
import { number } from '@/lib/words';

const HUES = ['var(--mantine-color-tide-6)', '#c07a1c'];
const write = (value: number | null | undefined) => (value == null ? '–' : number(value, Math.abs(value) < 10 ? 3 : 1));

export function Beside({ versions }: { versions: [string, string] }) {
  const answer = useGet('/api/evaluations', { params: { query: { versions } } });
  return (
    <Shown
      of={answer}
      empty={({ figures }) =>
        figures.length === 0 && (
          <Empty icon={IconRulerMeasure} title="Neither was measured">
            Evaluate one of them: <b>Training</b>, start, evaluate.
          </Empty>
        )
      }
    >
      {({ figures, versions: shown }) => (
        <>
          <Group gap="md" mb={4}>
            {shown.map((version, at) => (
              <Group key={version} gap={6}>
                <svg width="10" height="10" aria-hidden>
                  <circle cx="5" cy="5" r="5" fill={HUES[at]} />
                </svg>
                <Text size="sm" fw={550}>
                  {version}
                </Text>
              </Group>
            ))}
          </Group>
          <Rows label="Evaluation side by side" head={['Measure', '', ...shown]} miw={460} horizontalSpacing="xs">
            {figures.filter(({ name }) => !name.endsWith('.rows') && !name.startsWith('against_live')).map((row) => {
              const measured = row.figures.flatMap((figure, at) => (figure?.value == null ? [] : [{ label: shown[at]!, color: HUES[at]!, value: figure.value, low: figure.low, high: figure.high }]));
              return (
                <Table.Tr key={row.name}>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>
                    <Text size="sm">{isDefined(row.name) ? <Term of={row.name} /> : row.name.replaceAll('_', ' ').replace('.', ': ')}</Text>
                  </Table.Td>
                  <Table.Td w="38%" miw={110}>
                    {measured.length > 0 && <Intervals title={row.name} rows={[{ name: '', of: measured }]} write={write} />}
                  </Table.Td>
                  {row.figures.map((figure, at) => (
                    <Table.Td key={at} className="numbers">
                      {write(figure?.value)}
                      {figure?.low != null && figure.high != null && (
                        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                          {write(figure.low)} – {write(figure.high)}
                        </Text>
                      )}
                    </Table.Td>
                  ))}
                </Table.Tr>
              );
            })}
          </Rows>
        </>
      )}
    </Shown>
  );
}
