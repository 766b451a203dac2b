// Which events does the twin tell of, and what has to be read again after each?
export const EVENTS_PATH = '/api/events';
export const EVENTS = ['message', 'draft', 'feedback', 'run', 'adapter', 'metrics'] as const;

export interface LiveEvent {
  name: string;
  data: Record<string, unknown>;
}

/** What a reader that was away has to do: read everything again. */
export const MISSED: LiveEvent = { name: 'missed', data: {} };

// By the beginning of the path. What the owner labels stays where it is while they label, so `feedback` leaves /api/replies be.
const ABOUT: Record<string, string[]> = {
  message: ['/api/conversations', '/api/people', '/api/pulse', '/api/drafts'],
  draft: ['/api/drafts', '/api/pulse'],
  feedback: ['/api/pulse', '/api/conversations/{id}'],
  run: ['/api/runs', '/api/sources', '/api/corpora', '/api/review', '/api/schedule'],
  adapter: ['/api/adapters', '/api/pulse'],
  metrics: ['/api/drafts', '/api/pulse'],
};

export function touches(event: LiveEvent, key: unknown): boolean {
  if (event.name === MISSED.name) return true;
  const path = Array.isArray(key) ? String(key[0]) : String(key);
  return (ABOUT[event.name] ?? []).some((beginning) => path.startsWith(beginning));
}
