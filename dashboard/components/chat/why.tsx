'use client';
// Why this answer? Who said it, what it recalled, what the model was shown, how long it took.
import { Accordion, Badge, Code, Drawer, Group, Stack, Text } from '@mantine/core';
import { Figure } from '@/components/figure';
import { Shown } from '@/components/states';
import { useGet } from '@/lib/api';
import { millis, moment, number, plural } from '@/lib/words';

export default function Why({ reply, close }: { reply: string; close: () => void }) {
  const answer = useGet('/api/replies/{key}/why', { params: { path: { key: reply } } });
  return (
    <Drawer opened onClose={close} position="right" size="md" title="Why this answer?" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Shown of={answer}>
        {(why) => (
          <Stack gap="lg">
            <Text className="said" fw={550}>
              {why.reply.text}
            </Text>
            <Group gap={6}>
              <Badge>{why.adapter ?? 'base model'}</Badge>
              <Badge color="gray">on {why.base_model}</Badge>
              {why.pictures ? <Badge color="gray">{plural(why.pictures, 'picture')} shown to it</Badge> : null}
              {why.outcome && <Badge color="yellow">{why.outcome}</Badge>}
            </Group>
            <Group gap="xl">
              <Figure of="firstToken" value={millis(why.first_token_ms)} />
              <Figure of="took" value={millis(why.total_ms)} />
              <Figure of="tokens" value={number(why.prompt_tokens + why.completion_tokens)} note={`${number(why.prompt_tokens)} read, ${number(why.completion_tokens)} written`} />
            </Group>
            <section>
              <Text fw={600} size="sm" mb={4}>
                Memories it recalled
              </Text>
              {why.recalled.length === 0 && (
                <Text size="sm" c="dimmed">
                  None: everything it knew was in the conversation.
                </Text>
              )}
              <Stack gap={8}>
                {why.recalled.map((one) => (
                  <div key={one.id} className="soft" style={{ padding: '0.55rem 0.8rem', borderRadius: 10 }}>
                    <Text size="sm" className="said">
                      {one.text ?? 'Shown to the owner only'}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {[one.source, one.said_at && moment(one.said_at)].filter(Boolean).join(' · ') || one.id}
                    </Text>
                  </div>
                ))}
              </Stack>
            </section>
            <Accordion variant="separated" defaultValue="prompt">
              <Accordion.Item value="prompt">
                <Accordion.Control>
                  <Text size="sm">What the model was shown</Text>
                </Accordion.Control>
                <Accordion.Panel>
                  <Stack gap={8}>
                    {why.prompt.map((turn, at) => (
                      <div key={at}>
                        <Text size="xs" c="dimmed">
                          {String(turn.role)}
                        </Text>
                        <Text size="sm" className="said">
                          {typeof turn.content === 'string' ? turn.content : JSON.stringify(turn.content)}
                        </Text>
                      </div>
                    ))}
                  </Stack>
                </Accordion.Panel>
              </Accordion.Item>
              <Accordion.Item value="sampling">
                <Accordion.Control>
                  <Text size="sm">How the words were chosen</Text>
                </Accordion.Control>
                <Accordion.Panel>
                  <Code block>{JSON.stringify(why.sampling, null, 2)}</Code>
                  <Text size="xs" c="dimmed" mt={4} style={{ overflowWrap: 'anywhere' }}>
                    prompt {why.prompt_hash}
                  </Text>
                </Accordion.Panel>
              </Accordion.Item>
            </Accordion>
          </Stack>
        )}
      </Shown>
    </Drawer>
  );
}
