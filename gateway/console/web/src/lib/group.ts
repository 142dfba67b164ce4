import type { Quarantine } from "../api/types";

/** The reasons of quarantined rows with their numbers, most first. */
export function byReason(q: Quarantine | undefined): { reason: string; count: number }[] {
  const rows = Object.entries(q?.by_reason ?? {}).map(([reason, count]) => ({ reason, count }));
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
