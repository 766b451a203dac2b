// How far is a run? A word, a colour, and a bar while it goes.
import { Badge } from '@mantine/core';

const COLORS: Record<string, string> = { queued: 'gray', running: 'blue', passed: 'tide', failed: 'red', cancelled: 'gray' };

export function RunState({ of }: { of: string }) {
  return <Badge color={COLORS[of] ?? 'gray'}>{of}</Badge>;
}
