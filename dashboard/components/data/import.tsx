'use client';
// How is an export read? It is sent, queued as a run, read, and the ledger says what became of it.
import { Button, Group, NativeSelect, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Panel } from '@/components/page';
import { RunState } from '@/components/training/run-state';
import { Upload } from '@/components/upload';
import { useGet, useItems, writeHeaders } from '@/lib/api';
import { tellProblem } from '@/lib/tell';
import { sendFile } from '@/lib/upload';
import { isLedger, LedgerFigures } from './ledger';

export function Import() {
  const kinds = useItems('/api/sources/kinds');
  const [kind, setKind] = useState('auto');
  const [run, setRun] = useState<string>();
  const names = (kinds.data ?? []).map((one) => one.name).filter((name) => name !== 'auto');

  return (
    <Panel title="Read an export" hint="It stays on this machine; people in it become placeholders while it is read">
      <Stack gap="sm">
        <NativeSelect size="sm" label="What it is of" value={kind} onChange={(event) => setKind(event.currentTarget.value)} data={[{ value: 'auto', label: 'find out' }, ...names.map((name) => ({ value: name, label: name.replaceAll('_', ' ') }))]} />
        <Upload
          hint="A zip as the app gave it, or a single file. Dropping it here works, too."
          send={async (file, onProgress, signal) => {
            try {
              const started = await sendFile<{ id: string }>(`/api/uploads?source=${encodeURIComponent(kind)}&name=${encodeURIComponent(file.name)}`, file, writeHeaders(), onProgress, signal);
              setRun(started.id);
            } catch (error) {
              if (!signal.aborted) tellProblem(error);
            }
          }}
        />
        {run && <Reading id={run} done={() => setRun(undefined)} />}
      </Stack>
    </Panel>
  );
}

function Reading({ id, done }: { id: string; done: () => void }) {
  const run = useGet('/api/runs/{run_id}', { params: { path: { run_id: id } } }, { refreshInterval: (one) => (one && ['passed', 'failed', 'cancelled'].includes(one.state) ? 0 : 800) });
  if (!run.data) return null;
  const { state, progress, error, artefacts, metrics } = run.data;
  const ledger = [artefacts?.ledger, metrics?.ledger, metrics, artefacts].find(isLedger);
  return (
    <div role="status" aria-label="What became of the upload">
      <Group justify="space-between" mb={6}>
        <Group gap={8}>
          <Text size="sm" fw={550}>
            Reading
          </Text>
          <RunState of={state} />
        </Group>
        {(state === 'passed' || state === 'failed') && (
          <Button size="compact-xs" variant="default" onClick={done}>
            Close
          </Button>
        )}
      </Group>
      {(state === 'running' || state === 'queued') && <Progress value={progress * 100} animated radius="xl" aria-label="Reading" />}
      {error && (
        <Text size="sm" className="bad">
          {error}
        </Text>
      )}
      {ledger && <LedgerFigures ledger={ledger} />}
    </div>
  );
}
