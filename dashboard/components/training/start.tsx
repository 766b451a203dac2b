'use client';
// What shall run, and how? The kinds and their parameters are told by the twin; the form is made from their schema.
import { Button, Group, Modal, NativeSelect, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Shown } from '@/components/states';
import { api, useItems } from '@/lib/api';
import { trying } from '@/lib/tell';

interface Field {
  type?: string;
  anyOf?: { type?: string; enum?: string[] }[];
  enum?: string[];
  default?: unknown;
  description?: string;
  title?: string;
  minimum?: number;
  maximum?: number;
}

type Values = Record<string, string | boolean>;

function kindOf(field: Field): string {
  return field.type ?? field.anyOf?.find((one) => one.type !== 'null')?.type ?? 'string';
}

/** What was typed, as the twin wants it; what was left alone is left out. */
function parsed(values: Values, fields: Record<string, Field>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const kind = kindOf(fields[name] ?? {});
    if (value === '') continue;
    if (kind === 'integer' || kind === 'number') found[name] = Number(value);
    else if (kind === 'object' || kind === 'array') found[name] = JSON.parse(String(value));
    else found[name] = value;
  }
  return found;
}

export default function Start({ close, started }: { close: () => void; started: (id: string) => void }) {
  const kinds = useItems('/api/runs/kinds');
  const recipes = useItems('/api/recipes');
  const [picked, setPicked] = useState<string>();
  const [values, setValues] = useState<Values>({});
  const [busy, setBusy] = useState(false);

  const go = async (kind: string, fields: Record<string, Field>) => {
    setBusy(true);
    const done = await trying(async () => {
      const { data } = await api.POST('/api/runs', { body: { kind, parameters: parsed(values, fields) } });
      started(data!.id);
    }, 'It is in the queue.');
    setBusy(false);
    if (done) close();
  };

  return (
    <Modal opened onClose={close} title="Start a run" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Shown of={kinds} lines={3}>
        {(all) => {
          const kind = all.find((one) => one.kind === picked) ?? all[0];
          if (!kind) return <Text>Nothing can be started here.</Text>;
          const fields = ((kind.parameters as { properties?: Record<string, Field> } | undefined)?.properties ?? {}) as Record<string, Field>;
          const recipe = recipes.data?.find((one) => one.method === kind.kind);
          return (
            <Stack gap="md">
              <NativeSelect
                label="What"
                data={all.map((one) => one.kind)}
                value={kind.kind}
                description={kind.what}
                onChange={(event) => {
                  setPicked(event.currentTarget.value);
                  setValues({});
                }}
              />
              {Object.entries(fields).map(([name, field]) => (
                <OneField key={`${kind.kind} ${name}`} name={name} field={field} value={values[name]} set={(value) => setValues((now) => ({ ...now, [name]: value }))} />
              ))}
              {recipe && (
                <Text size="xs" c="dimmed">
                  Recipe as it is set: {Object.entries(recipe.values).map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(' · ')}
                </Text>
              )}
              <Group justify="flex-end" gap="xs">
                <Button variant="default" onClick={close}>
                  Not now
                </Button>
                <Button loading={busy} onClick={() => void go(kind.kind, fields)}>
                  Start
                </Button>
              </Group>
            </Stack>
          );
        }}
      </Shown>
    </Modal>
  );
}

function OneField({ name, field, value, set }: { name: string; field: Field; value: string | boolean | undefined; set: (value: string | boolean) => void }) {
  const label = name.replaceAll('_', ' ');
  const kind = kindOf(field);
  const choices = field.enum ?? field.anyOf?.find((one) => one.enum)?.enum;
  if (kind === 'boolean') return <Switch label={label} description={field.description} checked={Boolean(value ?? field.default)} onChange={(event) => set(event.currentTarget.checked)} />;
  if (choices) return <NativeSelect label={label} description={field.description} data={choices} value={String(value ?? field.default ?? choices[0])} onChange={(event) => set(event.currentTarget.value)} />;
  return (
    <TextInput
      label={label}
      description={field.description}
      type={kind === 'integer' || kind === 'number' ? 'number' : 'text'}
      step={kind === 'integer' ? 1 : 'any'}
      min={field.minimum}
      max={field.maximum}
      placeholder={field.default == null ? '' : String(field.default)}
      value={String(value ?? '')}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}
