import { list, type Quarantine } from "../api/types";

/** The reasons of quarantined rows with their numbers, most first. */
export function byReason(q: Quarantine | undefined): { reason: string; count: number }[] {
  const r = q?.by_reason;
  const rows = Array.isArray(r) ? r : Object.entries(r ?? {}).map(([reason, count]) => ({ reason, count }));
  if (rows.length === 0) {
    const n = new Map<string, number>();
    for (const e of list(q?.entries)) n.set(e.reason, (n.get(e.reason) ?? 0) + 1);
    for (const [reason, count] of n) rows.push({ reason, count });
  }
  return rows.filter((x) => x.count > 0).sort((a, b) => b.count - a.count);
}

/** Items by a key, in the order first met. */
export function groupBy<V>(items: V[], key: (v: V) => string): Map<string, V[]> {
  const out = new Map<string, V[]>();
  for (const v of items) {
    const k = key(v);
    const at = out.get(k);
    if (at) at.push(v);
    else out.set(k, [v]);
  }
  return out;
}
