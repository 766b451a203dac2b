// How is an answer read while it is being said? As server-sent events in the body of one POST.
import { problemOf } from './problem';

export interface Piece {
  event: string;
  data: string;
}

/** Yields the events as they come; stops where `signal` says so. Throws Problem where the answer is an error. */
export async function* events(response: Response): AsyncGenerator<Piece> {
  if (!response.ok) throw await problemOf(response);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? '\n\n' : value.replaceAll('\r\n', '\n');
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const piece: Piece = { event: 'message', data: '' };
      for (const line of part.split('\n')) {
        if (line.startsWith('event:')) piece.event = line.slice(6).trim();
        if (line.startsWith('data:')) piece.data += (piece.data ? '\n' : '') + line.slice(5).replace(/^ /, '');
      }
      if (piece.data) yield piece;
    }
    if (done) return;
  }
}
