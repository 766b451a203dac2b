// How is something told that needs no answer? In a corner, for a few seconds.
import { asProblem } from './problem';

async function show(message: { title?: string; message: string; color?: string; autoClose?: number }) {
  const { notifications } = await import('@mantine/notifications');
  notifications.show({ radius: 'md', withBorder: true, ...message });
}

export const tell = (message: string, title?: string) => void show({ message, title });

export function tellProblem(error: unknown) {
  const { title, detail } = asProblem(error);
  void show({ title, message: detail, color: 'red', autoClose: 9000 });
}

/** Does it, and says what went wrong; true where it went well. */
export async function trying(what: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await what();
  } catch (error) {
    tellProblem(error);
    return false;
  }
  if (done) tell(done);
  return true;
}
