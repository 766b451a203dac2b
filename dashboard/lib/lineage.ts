// Where does each adapter stand in the tree? Newest first, one lane for each branch; the live one's branch is the first lane.
export interface Descended {
  version: string;
  parent?: string | null;
  state: string;
  created_at: string;
}

export interface Placed<T> {
  adapter: T;
  lane: number;
  parentRow: number | null;
}

export function lineage<T extends Descended>(adapters: readonly T[]): { rows: Placed<T>[]; lanes: number } {
  const ordered = [...adapters].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.version.localeCompare(a.version));
  const byVersion = new Map(ordered.map((one) => [one.version, one]));
  const children = new Map<string, T[]>();
  for (const one of ordered) {
    if (one.parent && byVersion.has(one.parent)) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  }
  const onLiveLine = new Set<string>();
  for (let at = ordered.find((one) => one.state === 'live'); at; at = at.parent ? byVersion.get(at.parent) : undefined) onLiveLine.add(at.version);

  const lanes = new Map<string, number>();
  let next = 0;
  const place = (one: T, lane: number) => {
    lanes.set(one.version, lane);
    const below = children.get(one.version) ?? [];
    const heir = below.find((child) => onLiveLine.has(child.version)) ?? below[0];
    for (const child of below) place(child, child === heir ? lane : next++);
  };
  const roots = ordered.filter((one) => !one.parent || !byVersion.has(one.parent));
  roots.sort((a, b) => Number(onLiveLine.has(b.version)) - Number(onLiveLine.has(a.version)));
  for (const root of roots) place(root, next++);

  const rowOf = new Map(ordered.map((one, row) => [one.version, row]));
  return { rows: ordered.map((adapter) => ({ adapter, lane: lanes.get(adapter.version) ?? 0, parentRow: (adapter.parent ? rowOf.get(adapter.parent) : undefined) ?? null })), lanes: Math.max(1, next) };
}
