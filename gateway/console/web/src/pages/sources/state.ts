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
