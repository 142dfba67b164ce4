// Lays out the topology: topics and steps as a graph drawn from left to right.

import { list, type Topology } from "../api/types";

export interface Node {
  id: string;
  kind: "topic" | "step" | "group";
  label: string;
  /** members of a folded group */
  members: string[];
  x: number;
  y: number;
  layer: number;
}
export interface Edge {
  from: string;
  to: string;
}
export interface Graph {
  nodes: Node[];
  edges: Edge[];
  width: number;
  height: number;
}

export const nodeWidth = 190;
export const nodeHeight = 34;
const gapX = 70;
const gapY = 20;

/** "raw.GA01" belongs to "raw.*"; what has no dot, or at most five of a kind, stands alone. */
export function family(topic: string): string {
  const i = topic.indexOf(".");
  return i < 0 ? topic : topic.slice(0, i) + ".*";
}

/** The graph with the families in `open` unfolded. */
export function graph(t: Topology, open: Set<string>): Graph {
  const steps = list(t.steps).map((s) => ({ name: s.name, from: list(s.from), to: list(s.to) }));
  const topics = [...new Set(steps.flatMap((s) => [...s.from, ...s.to]))];
  const families = new Map<string, string[]>();
  for (const topic of topics) families.set(family(topic), [...(families.get(family(topic)) ?? []), topic]);
  const shown = (topic: string) => {
    const f = family(topic);
    return (families.get(f)?.length ?? 0) > 5 && !open.has(f) ? f : topic;
  };
  const nodes = new Map<string, Node>();
  const add = (id: string, kind: Node["kind"], label: string, members: string[]) => {
    if (!nodes.has(id)) nodes.set(id, { id, kind, label, members, x: 0, y: 0, layer: 0 });
  };
  for (const topic of topics) {
    const s = shown(topic);
    add("t:" + s, s === topic ? "topic" : "group", s, s === topic ? [] : families.get(s)!);
  }
  const edges = new Map<string, Edge>();
  const link = (from: string, to: string) => edges.set(from + ">" + to, { from, to });
  for (const s of steps) {
    add("s:" + s.name, "step", s.name, []);
    for (const f of s.from) link("t:" + shown(f), "s:" + s.name);
    for (const o of s.to) link("s:" + s.name, "t:" + shown(o));
  }
  // Layers by longest path; an edge that closes a circle is ignored there.
  const out = new Map<string, string[]>();
  for (const e of edges.values()) out.set(e.from, [...(out.get(e.from) ?? []), e.to]);
  const onPath = new Set<string>();
  const visit = (id: string, layer: number) => {
    const n = nodes.get(id)!;
    if (onPath.has(id) || layer < n.layer || layer > nodes.size) return;
    n.layer = layer;
    onPath.add(id);
    for (const next of out.get(id) ?? []) if (nodes.get(next)!.layer <= layer) visit(next, layer + 1);
    onPath.delete(id);
  };
  const targets = new Set([...edges.values()].map((e) => e.to));
  for (const id of nodes.keys()) if (!targets.has(id)) visit(id, 0);
  for (const id of nodes.keys()) if (targets.has(id) && nodes.get(id)!.layer === 0) visit(id, 0);

  const layers: Node[][] = [];
  for (const n of nodes.values()) (layers[n.layer] ??= []).push(n);
  const tidy = layers.filter(Boolean);
  // A node stands near the middle of what it is linked to in the layer before.
  const before = new Map<string, string[]>();
  for (const e of edges.values()) before.set(e.to, [...(before.get(e.to) ?? []), e.from]);
  const height = Math.max(...tidy.map((l) => l.length), 1) * (nodeHeight + gapY);
  tidy.forEach((layer, i) => {
    if (i > 0) {
      const middle = (n: Node) => {
        const ys = (before.get(n.id) ?? []).map((b) => nodes.get(b)!.y);
        return ys.length ? ys.reduce((a, b) => a + b, 0) / ys.length : 0;
      };
      const at = new Map(layer.map((n) => [n.id, middle(n)]));
      layer.sort((a, b) => at.get(a.id)! - at.get(b.id)! || a.label.localeCompare(b.label));
    }
    const top = (height - layer.length * (nodeHeight + gapY)) / 2;
    layer.forEach((n, j) => {
      n.layer = i;
      n.x = i * (nodeWidth + gapX);
      n.y = top + j * (nodeHeight + gapY);
    });
  });
  return { nodes: [...nodes.values()], edges: [...edges.values()], width: tidy.length * (nodeWidth + gapX) - gapX, height };
}

/** Everything up and down the stream from a node. */
export function reach(g: Graph, id: string): Set<string> {
  const seen = new Set([id]);
  const walk = (from: "from" | "to", to: "from" | "to") => {
    const queue = [id];
    const been = new Set(queue);
    for (let n = queue.pop(); n !== undefined; n = queue.pop())
      for (const e of g.edges)
        if (e[from] === n && !been.has(e[to])) {
          been.add(e[to]);
          seen.add(e[to]);
          queue.push(e[to]);
        }
  };
  walk("from", "to");
  walk("to", "from");
  return seen;
}
