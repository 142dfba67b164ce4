import type { Flow, FlowSource } from "../../api/types";
import { known } from "../../lib/format";

const still = ["failed", "held", "silent", "waiting", "stopped"];

/** Whether somebody must see to it. */
export const broken = (s: FlowSource): boolean => still.includes(s.state);

/** How far the slowest of its datasets is behind, in seconds; null = unknown. */
export function lagOf(s: FlowSource, flow: Flow | undefined): number | null {
  if (broken(s)) return null;
  const lags = (flow?.datasets ?? []).filter((d) => s.datasets.includes(d.id)).map((d) => d.lag_s).filter(known).filter((n) => n >= 0);
  return lags.length === 0 ? null : Math.max(...lags);
}

/**
 * The commands that read a source again: the trial, null where there is none (a drop folder is
 * read once), and the order. null: what was pushed is kept by nobody and cannot be read again.
 */
export function rereadOf(s: Pick<FlowSource, "name" | "kind">): { trial: string | null; order: string } | null {
  if (s.kind === "push") return null;
  const order = `yiyuan source resync ${s.name}`;
  return { trial: s.kind === "file" ? null : `${order} --dry-run`, order };
}
