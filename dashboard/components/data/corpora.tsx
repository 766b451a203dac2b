'use client';
// What is training made of? Frozen snapshots, each with its data card: counts, never a word anybody said.
import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { BarsList } from '@/components/bars-list';
import { Figure, Term } from '@/components/figure';
import { Panel } from '@/components/page';
import { Shown } from '@/components/states';
import { api, useGet, useItems } from '@/lib/api';
import { trying } from '@/lib/tell';
import { moment, number } from '@/lib/words';

type Counts = Record<string, number>;
interface CardData {
  counts?: Counts;
  records?: Counts;
  left_out?: Counts;
  tags?: Record<string, Counts>;
  languages?: Record<string, Counts>;
  patterns?: Record<string, Counts>;
  lengths?: Record<string, Counts>;
  sources?: Counts;
}

const CUTS = { patterns: 'pattern', tags: 'tag', languages: 'language', lengths: 'length', sources: 'source' } as const;

export function Corpora() {
  const corpora = useItems('/api/corpora');
  const [picked, setPicked] = useState<string>();
  const chosen = picked ?? corpora.data?.[0]?.id;
  const build = () => trying(() => api.POST('/api/runs', { body: { kind: 'corpus', parameters: {} } }), 'A new snapshot is being built: see Training.');
  return (
    <Panel
      title="Snapshots"
      hint="What training learns from is frozen, split and counted first"
      actions={
        <Button size="xs" variant="default" onClick={() => void build()}>
          Build one
        </Button>
      }
    >
      <Shown of={corpora}>
        {(all) =>
          all.length === 0 ? (
            <Text size="sm" c="dimmed">
              None yet. Read some exports, then build the first one.
            </Text>
          ) : (
            <Stack gap="sm">
              <NativeSelect aria-label="Snapshot" size="sm" value={chosen} onChange={(event) => setPicked(event.currentTarget.value)} data={all.map((one) => ({ value: one.id, label: `${one.id} · ${moment(one.made_at)}` }))} />
              {chosen && <DataCard id={chosen} />}
            </Stack>
          )
        }
      </Shown>
    </Panel>
  );
}

function DataCard({ id }: { id: string }) {
  const corpus = useGet('/api/corpora/{corpus_id}', { params: { path: { corpus_id: id } } });
  const [cut, setCut] = useState<keyof typeof CUTS>('patterns');
  return (
    <Shown of={corpus}>
      {({ card: raw }) => {
        const card = raw as CardData;
        const counts = card[cut];
        const of = (cut === 'sources' ? counts : (counts as Record<string, Counts> | undefined)?.train) as Counts | undefined;
        const rows = Object.entries(of ?? {})
          .map(([name, count]) => ({ name, count }))
          .sort((a, b) => b.count - a.count);
        return (
          <Stack gap="md">
            <Group gap="xl">
              <Figure of="rows" value={number(card.counts?.train)} note="to learn from" />
              <Figure of="rows" value={number((card.counts?.validation ?? 0) + (card.counts?.test ?? 0))} note="to measure on" />
              <Figure of="records" value={number(card.records?.given)} note="looked at" />
            </Group>
            <div>
              <Group justify="space-between" mb={6}>
                <Text size="sm" fw={550}>
                  <Term of="strata" />
                </Text>
                <NativeSelect size="xs" aria-label="Strata by" value={cut} onChange={(event) => setCut(event.currentTarget.value as keyof typeof CUTS)} data={Object.entries(CUTS).map(([value, label]) => ({ value, label: `by ${label}` }))} />
              </Group>
              <BarsList label={`Samples by ${CUTS[cut]}`} rows={rows.slice(0, 10)} />
            </div>
            {Object.keys(card.left_out ?? {}).length > 0 && (
              <Text size="xs" c="dimmed">
                Left out:{' '}
                {Object.entries(card.left_out!)
                  .map(([why, count]) => `${number(count)} ${why}`)
                  .join(' · ')}
              </Text>
            )}
          </Stack>
        );
      }}
    </Shown>
  );
}
