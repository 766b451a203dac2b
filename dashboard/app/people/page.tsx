'use client';
// Who talks to the twin, what do they allow, who may hear what, and what is forgotten?
import { Button, Group, NativeSelect, SegmentedControl, SimpleGrid, Stack, Switch, Table, Text, TextInput } from '@mantine/core';
import { IconTrash, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { BarsList } from '@/components/bars-list';
import { useConfirm } from '@/components/confirm';
import { Term } from '@/components/figure';
import { useForget } from '@/components/people/forget';
import { Budget, useLimits } from '@/components/people/limits';
import { Page, Panel } from '@/components/page';
import { Empty, Shown } from '@/components/states';
import { Rows } from '@/components/table';
import { api, useItems, usePages } from '@/lib/api';
import { trying } from '@/lib/tell';
import { ago, number } from '@/lib/words';

const CONSENT = ['unknown', 'agreed', 'opted out'] as const;

export default function People() {
  const people = usePages('/api/people', { query: { limit: 50 } });
  const audiences = useItems('/api/audiences');
  const { ask, dialogue } = useConfirm();
  const forget = useForget(ask);
  const limits = useLimits();
  const [what, setWhat] = useState('');

  const consent = async (platform: string, person_id: string, consent: (typeof CONSENT)[number]) => {
    await trying(() => api.PUT('/api/people/{platform}/{person_id}/consent', { params: { path: { platform, person_id } }, body: { consent } }), 'Kept.');
    await people.mutate();
  };

  return (
    <Page title="People" lead="Nothing of anybody's is trained on unless they agree" wide>
      <Panel title="Who talks to the twin">
        <Shown of={{ ...people, data: people.items }} empty={(all) => all.length === 0 && <Empty icon={IconUsers} title="Nobody yet">Whoever writes to the twin appears here with what they allow.</Empty>}>
          {(all) => (
            <>
              <Rows label="People" head={['Name', 'On', 'Messages', 'Last', <Term key="today" of="today" />, 'Consent', '']} miw={0} className="people">
                {all.map((one) => (
                  <Table.Tr key={`${one.platform}:${one.person_id}`}>
                    <Table.Td>
                      <Text fw={550} size="sm">
                        {one.name || one.person_id}
                      </Text>
                    </Table.Td>
                    <Table.Td>{one.platform}</Table.Td>
                    <Table.Td className="numbers">{number(one.messages)}</Table.Td>
                    <Table.Td>{ago(one.last_at)}</Table.Td>
                    <Table.Td>
                      <Budget of={one} usual={limits.usual} change={() => limits.change(one)} />
                    </Table.Td>
                    <Table.Td>
                      <SegmentedControl
                        size="xs"
                        aria-label={`What ${one.name || one.person_id} allows`}
                        value={one.consent}
                        data={CONSENT.map((value) => ({ value, label: value }))}
                        onChange={(value) => {
                          const chosen = value as (typeof CONSENT)[number];
                          if (chosen !== 'opted out') return void consent(one.platform, one.person_id, chosen);
                          ask({
                            title: `${one.name || one.person_id} opts out?`,
                            body: <Text size="sm">Nothing of theirs is kept or answered from now on.</Text>,
                            yes: 'Opt them out',
                            danger: true,
                            run: () => consent(one.platform, one.person_id, chosen),
                          });
                        }}
                      />
                    </Table.Td>
                    <Table.Td ta="right">
                      <Button size="compact-xs" variant="subtle" color="red.8" leftSection={<IconTrash size={13} aria-hidden />} onClick={() => void forget(`${one.platform}:${one.person_id}`, one.name)} className="bad">
                        Forget
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
              {people.more && (
                <Button variant="subtle" size="xs" onClick={people.more}>
                  More
                </Button>
              )}
            </>
          )}
        </Shown>
      </Panel>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className="columns">
        <Stack gap="lg">
          <Panel title={<Term of="audience">Audiences</Term>} hint="How many records may be heard back, and by whom">
            <Shown of={audiences} lines={3} empty={(all) => all.length === 0 && <Text c="dimmed" size="sm">No records yet.</Text>}>
              {(all) => <BarsList label="Records by audience" rows={all.map((one) => ({ name: one.audience, count: one.records })).sort((a, b) => b.count - a.count).slice(0, 10)} />}
            </Shown>
          </Panel>
          <Facts />
        </Stack>
        <Stack gap="lg">
          <Chats />
          <Panel title="Forget" hint="A person, a placeholder, a record, or ALL: what goes is shown first">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (what.trim()) void forget(what.trim());
              }}
            >
              <Group align="flex-end" gap="xs">
                <TextInput flex={1} label="What" placeholder="telegram:8101, <PERSON_3f2a>, a record's id" value={what} onChange={(event) => setWhat(event.currentTarget.value)} />
                <Button type="submit" variant="default" disabled={!what.trim()}>
                  Look
                </Button>
              </Group>
            </form>
          </Panel>
        </Stack>
      </SimpleGrid>
      {dialogue}
      {limits.dialogue(() => void people.mutate())}
    </Page>
  );
}

function Chats() {
  const chats = useItems('/api/chats');
  const change = async (platform: string, chat_id: string, body: { mode?: 'off' | 'mentions' | 'always' | null; draft?: boolean | null }) => {
    await trying(() => api.PUT('/api/chats/{platform}/{chat_id}', { params: { path: { platform, chat_id } }, body }));
    await chats.mutate();
  };
  return (
    <Panel title="Chats" hint="Where something else was decided than the settings say">
      <Shown of={chats} lines={3} empty={(all) => all.length === 0 && <Text c="dimmed" size="sm">All chats are as the settings say.</Text>}>
        {(all) => (
          <Rows label="Chats" head={['Chat', 'Speaks', 'Drafts first']} miw={380}>
            {all.map((one) => (
              <Table.Tr key={`${one.platform}:${one.chat_id}`}>
                <Table.Td>
                  <Text size="sm" truncate maw={180}>
                    {one.platform} · {one.chat_id}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <NativeSelect
                    size="xs"
                    aria-label={`When it speaks in ${one.chat_id}`}
                    value={one.mode ?? ''}
                    onChange={(event) => void change(one.platform, one.chat_id, { mode: (event.currentTarget.value || null) as 'off' | 'mentions' | 'always' | null, draft: one.draft })}
                    data={[{ value: '', label: 'as set' }, 'off', 'mentions', 'always']}
                  />
                </Table.Td>
                <Table.Td>
                  <Switch aria-label={`Drafts first in ${one.chat_id}`} checked={Boolean(one.draft)} onChange={(event) => void change(one.platform, one.chat_id, { mode: one.mode as 'off' | null, draft: event.currentTarget.checked })} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Rows>
        )}
      </Shown>
    </Panel>
  );
}

function Facts() {
  const facts = useItems('/api/facts');
  const [text, setText] = useState('');
  const add = async () => {
    if (await trying(() => api.POST('/api/facts', { body: { text } }), 'It knows that now.')) {
      setText('');
      await facts.mutate();
    }
  };
  return (
    <Panel title="What it was told" hint="Facts that everybody may hear">
      <Stack gap="xs">
        <Shown of={facts} lines={2}>
          {(all) => (
            <>
              {all.map((fact) => (
                <Group key={fact.id} justify="space-between" wrap="nowrap" gap="xs">
                  <Text size="sm">{fact.text}</Text>
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="gray"
                    aria-label={`Forget: ${fact.text}`}
                    onClick={async () => {
                      await trying(() => api.DELETE('/api/facts/{fact_id}', { params: { path: { fact_id: fact.id } } }));
                      await facts.mutate();
                    }}
                  >
                    Forget
                  </Button>
                </Group>
              ))}
            </>
          )}
        </Shown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim()) void add();
          }}
        >
          <Group gap="xs">
            <TextInput flex={1} aria-label="A fact" placeholder="I moved to Lisbon." value={text} onChange={(event) => setText(event.currentTarget.value)} />
            <Button type="submit" variant="default" disabled={!text.trim()}>
              Tell it
            </Button>
          </Group>
        </form>
      </Stack>
    </Panel>
  );
}
