// The live picture of what flows: one stream for the whole console, kept while
// pages come and go, polled where the stream is refused.

import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { ApiError } from "./client";
import { read, refusal } from "./hooks";
import { consoleKey } from "./session";
import { follow } from "./stream";
import { type Flow, list, pathOf } from "./types";
import { known } from "../lib/format";

export interface FlowPoint {
  at: number;
  changes: number | null; // a second
  lookups: number | null;
  denied: number | null;
  quarantined: number | null;
}

export interface LiveFlow {
  flow: Flow | undefined;
  history: FlowPoint[];
  /** changes a second of each dataset over the last points */
  spark: Record<string, number[]>;
  /** rows each source had read, at the last points */
  read: Record<string, { at: number; rows: number }[]>;
  mode: "live" | "polling" | "waiting" | "down" | "refused";
  error: ApiError | undefined;
}

const keepPoints = 300;
const keepSpark = 40;

/** What happened between two totals, a second; null when unknown or counted anew. */
export function rate(before: number | null | undefined, after: number | null | undefined, seconds: number): number | null {
  if (!known(before) || !known(after) || seconds <= 0 || after < before) return null;
  return (after - before) / seconds;
}

/** Changes a second over all datasets; null when none is known. */
export function changesPerSecond(flow: Flow): number | null {
  let sum: number | null = null;
  for (const d of list(flow.datasets)) if (known(d.changes_per_s)) sum = (sum ?? 0) + d.changes_per_s;
  return sum;
}

/** Rows a second over the last ten seconds or so; null while there is too little to tell. */
export function readRate(points: { at: number; rows: number }[] | undefined): number | null {
  const last = points?.[points.length - 1];
  if (!points || !last) return null;
  const first = points.find((p) => last.at - p.at <= 12_000) ?? last;
  return rate(first.rows, last.rows, (last.at - first.at) / 1000);
}

/** The same, point by point, for a small line. */
export function readSpark(points: { at: number; rows: number }[] | undefined): number[] {
  return (points ?? []).map((_, i, all) => readRate(all.slice(0, i + 1)) ?? 0).slice(1);
}

export function advance(old: LiveFlow, flow: Flow, at: number, mode: LiveFlow["mode"], before: { totals: Flow["totals"]; at: number } | null): LiveFlow {
  const seconds = before ? (at - before.at) / 1000 : 0;
  const t = flow.totals;
  const point: FlowPoint = {
    at,
    changes: changesPerSecond(flow) ?? rate(before?.totals?.changes, t?.changes, seconds),
    lookups: rate(before?.totals?.lookups, t?.lookups, seconds),
    denied: rate(before?.totals?.denied, t?.denied, seconds),
    quarantined: rate(before?.totals?.quarantined, t?.quarantined, seconds),
  };
  const spark: Record<string, number[]> = {};
  for (const d of list(flow.datasets)) {
    spark[d.id] = [...(old.spark[d.id] ?? []), known(d.changes_per_s) ? d.changes_per_s : 0].slice(-keepSpark);
  }
  const rows: LiveFlow["read"] = {};
  for (const s of list(flow.sources)) {
    if (known(s.rows)) rows[s.name] = [...(old.read[s.name] ?? []), { at, rows: s.rows }].slice(-keepSpark);
  }
  return { flow, history: [...old.history, point].slice(-keepPoints), spark, read: rows, mode, error: undefined };
}

const empty: LiveFlow = { flow: undefined, history: [], spark: {}, read: {}, mode: "waiting", error: undefined };
const Context = createContext<LiveFlow>(empty);
export const useFlow = () => useContext(Context);

export function FlowProvider({ children }: { children: ReactNode }) {
  const key = consoleKey.use();
  const [state, setState] = useState<LiveFlow>(empty);
  const before = useRef<{ totals: Flow["totals"]; at: number } | null>(null);

  useEffect(() => {
    let stopped = false;
    let live = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    before.current = null;
    setState(empty);

    const take = (flow: Flow, mode: LiveFlow["mode"]) => {
      const at = Date.now();
      const last = before.current;
      before.current = { totals: flow.totals, at };
      setState((s) => advance(s, flow, at, mode, last));
    };
    const poll = async () => {
      if (stopped || live) return;
      if (document.visibilityState === "visible") {
        try {
          const flow = await read(pathOf("/v1/flow"));
          if (!stopped && !live) take(flow, "polling");
        } catch (e) {
          const error = e instanceof ApiError ? e : undefined;
          if (!stopped && !live) setState((s) => ({ ...s, mode: refusal(error) ? "refused" : "down", error }));
          if (refusal(error)) return;
        }
      }
      if (!stopped && !live) timer = setTimeout(poll, 3000);
    };
    const stop = follow(
      "v1/events",
      consoleKey.get,
      (e) => {
        if (e.event !== "flow") return;
        try {
          take(JSON.parse(e.data) as Flow, "live");
        } catch {
          // One unreadable event is skipped; the next brings the whole picture again.
        }
      },
      (s) => {
        const was = live;
        live = s === "live";
        clearTimeout(timer);
        if (was && !live) void poll();
      },
    );
    void poll();
    return () => {
      stopped = true;
      clearTimeout(timer);
      stop();
    };
  }, [key]);

  return <Context.Provider value={state}>{children}</Context.Provider>;
}
