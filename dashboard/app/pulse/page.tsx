'use client';
// How is the twin doing? What it said, how it was liked, how quick it was, and whether every part of it is well.
import { Badge, Group, SegmentedControl, SimpleGrid, Stack, Table, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconActivityHeartbeat, IconCircleCheckFilled, IconCircleXFilled } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Bars, Lines } from '@/components/charts';
import { Figure, Term } from '@/components/figure';
import { Page, Panel } from '@/components/page';
import { Empty, Shown } from '@/components/states';
import { Rows } from '@/components/table';
import { useGet, useItems } from '@/lib/api';
import { byAdapter, heardBy, joined, nameOf, type Of } from '@/lib/pulse';
import { ago, millis, moment, number, share } from '@/lib/words';

const SPANS = { '1': 'day', '7': 'week', '42': '6 weeks' } as const;

const FEWEST = 3; // opinions that a point is drawn for

export default function Pulse() {
  const [days, setDays] = useState('42');
  const since = useMemo(() => new Date(Date.now() - Number(days) * 86_400_000).toISOString(), [days]);
  const pulse = useGet('/api/pulse', { params: { query: { since, bucket: days === '1' ? 'hour' : 'day' } } }, { refreshInterval: 60_000 });
  return (
    <Page title="Pulse" wide lead="How it is doing" actions={<SegmentedControl aria-label="Time shown" value={days} onChange={setDays} data={Object.entries(SPANS).map(([value, label]) => ({ value, label }))} />}>
      <Shown of={pulse} lines={8}>
        {(found) => {
          const all = joined(found.adapters);
          const when = (at: string | number) => new Date(at).toLocaleString('en-GB', found.bucket === 'hour' ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' });
          const liked = byAdapter(found.replies, (one) => (one.liked + one.disliked >= FEWEST ? one.liked / (one.liked + one.disliked) : null), 7);
          const heard = heardBy(found.heard);
          const quiet = found.heard.length === 0 && found.adapters.length === 0;
          return (
            <Stack gap="lg">
              <Panel>
                <SimpleGrid cols={{ base: 2, xs: 3, md: 6 }} spacing="lg">
                  <Figure of="heard" value={number(found.heard.reduce((sum, one) => sum + one.messages, 0))} />
                  <Figure of="replies" value={number(all.replies)} />
                  <Figure of="thumbsRate" value={share(all.rate)} note={`${number(all.judged)} judged`} />
                  <Figure of="memoryHits" value={share(all.hits)} />
                  <Figure of="waiting" value={number(found.waiting)} tone={found.waiting > 5 ? 'warn' : undefined} />
                  <Figure of="drafts" value={number(found.drafts)} />
                </SimpleGrid>
              </Panel>
              {quiet && (
                <Panel>
                  <Empty icon={IconActivityHeartbeat} title="Nothing was said in this time">
                    Once people write to the twin, their messages, how its answers were liked and how quick it was are drawn here.
                  </Empty>
                </Panel>
              )}
              {!quiet && (
              <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
                <Panel title={<Term of="thumbsRate">Liked, by adapter</Term>} hint={found.bucket === 'day' ? 'Each point is the share over the seven days before it' : 'Each point is the share over seven hours'}>
                  <Lines title="Liked, by adapter" x="at" rows={liked.rows} series={liked.series} write={(value) => share(value)} writeX={when} range={[0, 1]} />
                </Panel>
                <Panel title={<Term of="heard">Messages, by chat app</Term>}>
                  <Bars title="Messages, by chat app" x="at" rows={heard.rows} series={heard.series} stacked writeX={when} write={(value) => number(value)} />
                </Panel>
                <Panel title="How quick it was" hint={<><Term of="p50" />, <Term of="p95" />, <Term of="firstToken" /></>}>
                  <Lines
                    title="How quick it was"
                    x="at"
                    rows={latency(found.replies)}
                    series={[
                      { name: 'p95', label: '95 %' },
                      { name: 'p50', label: 'median' },
                      { name: 'first', label: 'first word', dashed: true },
                    ]}
                    write={(value) => millis(value)}
                    writeX={when}
                    range={[0, 'auto']}
                  />
                </Panel>
                <Costs of={all} />
              </SimpleGrid>
              )}
              {found.adapters.length > 0 && (
              <Panel title="By adapter">
                <Rows label="Figures by adapter" head={['Adapter', <Term key="r" of="replies" />, <Term key="l" of="thumbsRate" />, <Term key="h" of="memoryHits" />, <Term key="5" of="p50" />, <Term key="9" of="p95" />]}>
                  {found.adapters.map((one) => (
                    <Table.Tr key={one.adapter ?? ''}>
                      <Table.Td fw={550}>{nameOf(one.adapter)}</Table.Td>
                      <Table.Td className="numbers">{number(one.replies)}</Table.Td>
                      <Table.Td className="numbers">
                        {share(one.thumbs_rate)}{' '}
                        <Text span size="xs" c="dimmed">
                          of {number(one.liked + one.disliked)}
                        </Text>
                      </Table.Td>
                      <Table.Td className="numbers">{share(one.memory_hits)}</Table.Td>
                      <Table.Td className="numbers">{millis(one.p50_ms)}</Table.Td>
                      <Table.Td className="numbers">{millis(one.p95_ms)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Rows>
              </Panel>
              )}
            </Stack>
          );
        }}
      </Shown>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" className="columns">
        <Health />
        <Schedule />
      </SimpleGrid>
    </Page>
  );
}

function latency(replies: { at: string; p50_ms?: number | null; p95_ms?: number | null; first_token_p50_ms?: number | null; replies: number }[]) {
  const busiest = new Map<string, (typeof replies)[number]>();
  for (const one of replies) if (one.p50_ms != null && (busiest.get(one.at)?.replies ?? -1) < one.replies) busiest.set(one.at, one);
  return [...busiest.values()].sort((a, b) => a.at.localeCompare(b.at)).map((one) => ({ at: one.at, p50: one.p50_ms ?? null, p95: one.p95_ms ?? null, first: one.first_token_p50_ms ?? null }));
}

/** Nobody but the owner knows what a token costs them. */
function Costs({ of }: { of: Of }) {
  const [prices, setPrices] = useLocalStorage({ key: 'twin-prices', defaultValue: { prompt: '', completion: '' } });
  const cost = (of.prompt * Number(prices.prompt) + of.completion * Number(prices.completion)) / 1e6;
  return (
    <Panel title="What it costs" hint="Prices are kept in this browser; a model of your own costs its electricity">
      <Group gap="xl" align="flex-start" mb="md">
        <Figure of="tokens" value={number((of.prompt + of.completion) / 1000, 1)} unit="thousand" note={`${number(of.prompt)} read, ${number(of.completion)} written`} />
        <Figure of="cost" value={prices.prompt || prices.completion ? number(cost, cost < 1 ? 4 : 2) : '–'} />
      </Group>
      <Group gap="xs" grow>
        <TextInput size="sm" type="number" min={0} step="any" label="Price of a million read" value={prices.prompt} onChange={(event) => setPrices({ ...prices, prompt: event.currentTarget.value })} />
        <TextInput size="sm" type="number" min={0} step="any" label="Price of a million written" value={prices.completion} onChange={(event) => setPrices({ ...prices, completion: event.currentTarget.value })} />
      </Group>
    </Panel>
  );
}

function Health() {
  const health = useGet('/api/health', undefined, { refreshInterval: 15_000 });
  return (
    <Panel title="Health" hint="Every part, asked just now" actions={health.data && <Badge color={health.data.well ? 'tide' : 'red'}>{health.data.well ? 'all well' : 'something is wrong'}</Badge>}>
      <Shown of={health}>
        {({ components, version, up_since }) => (
          <Stack gap={8}>
            {components.map((one) => (
              <Group key={one.name} wrap="nowrap" gap="sm" align="flex-start">
                {one.well ? <IconCircleCheckFilled size={18} className="good" aria-label="well" /> : <IconCircleXFilled size={18} className="bad" aria-label="not well" />}
                <div style={{ minWidth: 0, flex: 1 }}>
                  <Group justify="space-between" wrap="nowrap">
                    <Text size="sm" fw={550}>
                      {one.name}
                    </Text>
                    {one.ms != null && (
                      <Text size="xs" c="dimmed" className="numbers">
                        {millis(one.ms)}
                      </Text>
                    )}
                  </Group>
                  <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                    {one.found}
                    {one.advice ? ` – ${one.advice}` : ''}
                  </Text>
                </div>
              </Group>
            ))}
            <Text size="xs" c="dimmed">
              twin {version}, up since {moment(up_since)}
            </Text>
          </Stack>
        )}
      </Shown>
    </Panel>
  );
}

function Schedule() {
  const schedule = useItems('/api/schedule', undefined, { refreshInterval: 60_000 });
  return (
    <Panel title="Schedule" hint="What happens by the clock">
      <Shown of={schedule}>
        {(jobs) => (
          <Rows label="Schedule" head={['What', 'Last', 'Next']} miw={340}>
            {jobs.map((job) => (
              <Table.Tr key={job.name}>
                <Table.Td>
                  <Text size="sm" fw={550}>
                    {job.name}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {job.what}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm" title={moment(job.last_at)}>
                    {job.last_at ? `${ago(job.last_at)} ${job.last_outcome}` : 'not yet'}
                  </Text>
                </Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>
                  <Text size="sm" title={moment(job.next_at)}>
                    {job.next_at ? ago(job.next_at) : 'not planned'}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Rows>
        )}
      </Shown>
    </Panel>
  );
}
