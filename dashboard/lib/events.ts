// Which events does the twin tell of, and what has to be read again after each?
export const EVENTS_PATH = '/api/events';
export const EVENTS = ['message', 'draft', 'feedback', 'run', 'adapter', 'metrics'] as const;

export interface LiveEvent {
  name: string;
  data: Record<string, unknown>;
}

const ABOUT: Record<string, string[]> = {};

export function touches(event: LiveEvent, key: unknown): boolean {
  const path = Array.isArray(key) ? String(key[0]) : typeof key === 'string' ? key : '';
  return (ABOUT[event.name] ?? []).some((prefix) => path.includes(prefix));
}
