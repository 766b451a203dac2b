'use client';
// How are rows shown? A quiet table that scrolls sideways inside itself, so that the page never does.
import { Table, type TableProps } from '@mantine/core';
import type { ReactNode } from 'react';

export function Rows({ head, children, label, ...table }: { head: ReactNode[]; children: ReactNode; label: string } & TableProps) {
  return (
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={label}>
      <Table verticalSpacing="xs" horizontalSpacing="sm" miw={480} {...table}>
        <Table.Thead>
          <Table.Tr>
            {head.map((one, at) => (
              <Table.Th key={at} style={{ fontWeight: 550, fontSize: '0.78rem', color: 'var(--mantine-color-dimmed)' }}>
                {one}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </div>
  );
}
