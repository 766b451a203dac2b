'use client';
// What does the twin know you by? Where it came from, what became of it, what training is made of.
import { Accordion, Badge, Button, Code, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { IconDatabase } from '@tabler/icons-react';
import { Corpora } from '@/components/data/corpora';
import { Import } from '@/components/data/import';
import { LedgerFigures } from '@/components/data/ledger';
import { Review } from '@/components/data/review';
import { Page, Panel } from '@/components/page';
import { Empty, Shown } from '@/components/states';
import { useItems } from '@/lib/api';
import { ago, moment, number } from '@/lib/words';
import type { Ledger } from '@/components/data/ledger';

export default function Data() {
  const sources = useItems('/api/sources');
  return (
    <Page title="Data" lead="What you gave it, and what became of every piece" wide>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className="columns">
        <Stack gap="lg">
          <Panel title="Sources" hint="Where records come from, how far each was read">
            <Shown of={sources} empty={(all) => all.length === 0 && <Empty icon={IconDatabase} title="Nothing was read yet">Upload an export: of Telegram, Discord, a journal, any of nineteen.</Empty>}>
              {(all) => (
                <Accordion variant="default" mx={-16} mb={-16} chevronPosition="left">
                  {all.map((source) => (
                    <Accordion.Item key={source.name} value={source.name}>
                      <Accordion.Control>
                        <Group justify="space-between" wrap="nowrap" pr="sm">
                          <Group gap={8}>
                            <Text fw={550} size="sm">
                              {source.name}
                            </Text>
                            {source.configured && <Badge size="xs">by the clock</Badge>}
                          </Group>
                          <Text size="sm" c="dimmed" className="numbers">
                            {number(source.records)} {source.records === 1 ? 'record' : 'records'}
                          </Text>
                        </Group>
                      </Accordion.Control>
                      <Accordion.Panel>
                        <Text size="sm" c="dimmed" mb="xs">
                          {source.first_at ? `From ${moment(source.first_at)} to ${moment(source.last_at)}` : 'No record of it is kept.'}
                        </Text>
                        {source.last && <LedgerFigures ledger={source.last as unknown as Ledger} />}
                        {source.cursors.length > 0 && (
                          <Table mt="sm" verticalSpacing={4} aria-label={`How far ${source.name} was read`}>
                            <Table.Tbody>
                              {source.cursors.map((cursor) => (
                                <Table.Tr key={cursor.container}>
                                  <Table.Td>{cursor.container}</Table.Td>
                                  <Table.Td>
                                    <Code>{Object.entries(cursor.value).filter(([name]) => name !== 'version').map(([name, value]) => `${name} ${typeof value === 'object' ? '…' : value}`).join(', ') || 'read'}</Code>
                                  </Table.Td>
                                  <Table.Td c="dimmed" title={moment(cursor.updated_at)}>
                                    {ago(cursor.updated_at)}
                                  </Table.Td>
                                </Table.Tr>
                              ))}
                            </Table.Tbody>
                          </Table>
                        )}
                      </Accordion.Panel>
                    </Accordion.Item>
                  ))}
                </Accordion>
              )}
            </Shown>
          </Panel>
          <Review />
        </Stack>
        <Stack gap="lg">
          <Import />
          <Corpora />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}
