// How is an opinion given, and taken back? What counts of one person on one answer is the newest.
import { api, type Shapes } from './api';

/** Gives it; the id is what takes it back. */
export async function judge(key: string, kind: Shapes['Signal'], text?: string): Promise<string> {
  const { data } = await api.POST('/api/replies/{key}/feedback', { params: { path: { key } }, body: { kind, text: text ?? null } });
  return data!.id;
}

export async function withdraw(id: string): Promise<void> {
  await api.DELETE('/api/feedback/{feedback_id}', { params: { path: { feedback_id: id } } });
}
