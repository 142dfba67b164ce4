// What needs someone's hand, worst first, from what the gateway says now.

import { type Catalogue, type Finding, type Flow, list, type Quarantine } from "../api/types";
import { byReason } from "./group";

export interface Todo {
  id: string;
  kind: "source" | "overdue" | "finding" | "quarantine" | "stopped";
  /** smaller = worse */
  harm: number;
  subject: string;
  /** department, source kind, … for the second line */
  who: string;
  detail: string;
  at: string | null;
  count: number;
  link: string;
}

export function todos(
  flow: Flow | undefined,
  catalogue: Catalogue | undefined,
  findings: { list: Finding[]; total: number } | undefined,
  quarantine: Quarantine | undefined,
  name: (title?: string | null, english?: string | null) => string,
): Todo[] {
  const out: Todo[] = [];
  const sets = list(catalogue?.datasets);
  const byId = new Map(sets.map((d) => [d.id, d]));
  const departments = new Map(list(catalogue?.departments).map((d) => [d.id, name(d.title, d.english)]));
  const rules = new Map(list(catalogue?.rules).map((r) => [r.id, name("", r.english)]));
  const covered = new Set<string>();
  for (const s of list(flow?.sources)) {
    if (!["failed", "held", "silent", "stopped"].includes(s.state)) continue;
    const owners = new Set<string>();
    for (const id of list(s.datasets)) {
      covered.add(id);
      const d = byId.get(id);
      if (d) owners.add(departments.get(d.provider) ?? d.provider_title ?? d.provider);
    }
    out.push({
      id: "source:" + s.name,
      kind: "source",
      harm: s.state === "stopped" ? 1 : 0,
      subject: s.name,
      who: [...owners].join(name("、", ", ")),
      detail: name(s.last_error, s.last_error_en),
      at: s.last_seen ?? null,
      count: list(s.datasets).length,
      link: `/sources?q=${encodeURIComponent(s.name)}`,
    });
  }
  const states = new Map(list(flow?.datasets).map((d) => [d.id, d.state]));
  for (const d of sets) {
    const state = states.get(d.id) ?? d.state;
    if ((state !== "overdue" && state !== "stopped") || covered.has(d.id)) continue;
    out.push({
      id: "dataset:" + d.id,
      kind: state === "stopped" ? "stopped" : "overdue",
      harm: state === "stopped" ? 2 : 3,
      subject: `${d.id} ${name(d.title, d.english)}`,
      who: departments.get(d.provider) ?? d.provider_title ?? d.provider,
      detail: "",
      at: d.last_update ?? null,
      count: 1,
      link: `/catalogue/${encodeURIComponent(d.id)}`,
    });
  }
  if (findings && findings.total > 0) {
    const byRule = new Map<string, Finding[]>();
    for (const f of findings.list) byRule.set(f.rule, [...(byRule.get(f.rule) ?? []), f]);
    for (const [rule, fs] of byRule) {
      const first = fs[0]!;
      const due = fs.map((f) => f.due ?? "").filter(Boolean).sort()[0] ?? null;
      out.push({
        id: "finding:" + rule,
        kind: "finding",
        harm: 4,
        subject: `${rule} ${name(first.title, rules.get(rule))}`,
        who: [...new Set(fs.map((f) => departments.get(f.owner) ?? f.owner_title ?? f.owner))].join(name("、", ", ")),
        detail: "",
        at: due,
        count: fs.length,
        link: `/findings?state=open&severity=high&rule=${encodeURIComponent(rule)}`,
      });
    }
  }
  const q = byReason(quarantine);
  if (q.length > 0) {
    out.push({
      id: "quarantine",
      kind: "quarantine",
      harm: 5,
      subject: "",
      who: "",
      detail: q[0]!.reason,
      at: list(quarantine?.entries)[0]?.arrived_at ?? null,
      count: quarantine?.total ?? q.reduce((n, r) => n + r.count, 0),
      link: "/quarantine",
    });
  }
  return out.sort((a, b) => a.harm - b.harm || b.count - a.count || a.id.localeCompare(b.id));
}

/** The worst so many, but no kind crowds out the others: each has a line before any has its fourth. */
export function foremost(items: Todo[], most: number): Todo[] {
  const seen: Record<string, number> = {};
  const first: Todo[] = [];
  const rest: Todo[] = [];
  for (const i of items) {
    seen[i.kind] = (seen[i.kind] ?? 0) + 1;
    (seen[i.kind]! <= 3 ? first : rest).push(i);
  }
  const shown = new Set([...first, ...rest].slice(0, most));
  return items.filter((i) => shown.has(i));
}
