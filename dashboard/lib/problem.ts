// What went wrong, in words? The API answers with problem+json; a network that is away has no answer at all.
import { mutate } from 'swr';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly type: string = 'about:blank',
  ) {
    super(detail || title);
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return new Problem(0, 'The twin cannot be reached', 'Is `twin up` running? This page goes on by itself when it is back.');
  return new Problem(0, 'Something went wrong here', error instanceof Error ? error.message : String(error));
}

/** Reads an answer that is an error; never throws. Where the session is over, the door is shown. */
export async function problemOf(response: Response): Promise<Problem> {
  if (response.status === 401) void mutate(['/api/auth/state', null]);
  try {
    const said = (await response.json()) as { title?: string; detail?: string; type?: string };
    return new Problem(response.status, said.title ?? `The twin answered ${response.status}`, said.detail ?? '', said.type);
  } catch {
    return new Problem(response.status, `The twin answered ${response.status}`, response.statusText);
  }
}
