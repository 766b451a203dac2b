// How far has an adapter come? The same word and colour everywhere; the colour never stands alone.
import { Badge } from '@mantine/core';

const COLORS: Record<string, string> = { live: 'tide', canary: 'yellow', passed: 'blue', candidate: 'gray', refused: 'red', retired: 'gray' };
const SOLID = new Set(['live']);

export function State({ of }: { of: string }) {
  return (
    <Badge color={COLORS[of] ?? 'gray'} variant={SOLID.has(of) ? 'filled' : 'light'} className={`state-${of}`}>
      {of}
    </Badge>
  );
}
