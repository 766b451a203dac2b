'use client';
// What became of everything that was seen? Four figures that add up, and the items that were not read.
import { Accordion, Group, List, Text } from '@mantine/core';
import { Figure } from '@/components/figure';
import { number } from '@/lib/words';

export interface Ledger {
  source?: string;
  seen: number;
  kept: number;
  merged: number;
  dropped?: Record<string, number>;
  failed?: Record<string, number>;
  skipped?: { where: string; why: string; failed: boolean }[];
}

const sum = (counts: Record<string, number> | undefined) => Object.values(counts ?? {}).reduce((total, one) => total + one, 0);

export function isLedger(value: unknown): value is Ledger {
  return typeof value === 'object' && value !== null && typeof (value as Ledger).seen === 'number' && typeof (value as Ledger).kept === 'number';
}

export function LedgerFigures({ ledger }: { ledger: Ledger }) {
  if (!isLedger(ledger)) return null;
  const failed = sum(ledger.failed);
  return (
    <div>
      <Group gap="lg">
        <Figure of="seen" value={number(ledger.seen)} />
        <Figure of="kept" value={number(ledger.kept)} />
        <Figure of="merged" value={number(ledger.merged)} />
        <Figure of="dropped" value={number(sum(ledger.dropped))} />
        <Figure of="failed" value={number(failed)} tone={failed ? 'warn' : undefined} />
      </Group>
      {(ledger.skipped?.length ?? 0) > 0 && (
        <Accordion variant="default" mt="xs">
          <Accordion.Item value="skipped" style={{ borderBottom: 0 }}>
            <Accordion.Control px={0}>
              <Text size="sm">What was not read, and why</Text>
            </Accordion.Control>
            <Accordion.Panel px={0}>
              <List size="xs" spacing={2}>
                {ledger.skipped!.slice(0, 50).map((one) => (
                  <List.Item key={one.where + one.why}>
                    <b>{one.where}</b>: {one.why}
                  </List.Item>
                ))}
              </List>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </div>
  );
}
