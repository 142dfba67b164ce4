import { describe, expect, it } from "vitest";
import { advance, changesPerSecond, type LiveFlow, rate, readRate, readSpark } from "./flow";
import { type Event, parser } from "./stream";
import type { Flow } from "./types";

describe("the event stream", () => {
  const feed = (...pieces: string[]) => {
    const out: Event[] = [];
    const p = parser((e) => out.push(e));
    for (const x of pieces) p(x);
    return out;
  };
  it("is put together from any pieces", () => {
    const text = ": hello\nid: 7\nevent: flow\ndata: {\"a\":\ndata: 1}\n\nevent: x\n\ndata: y\n\n";
    const whole = feed(text);
    expect(whole).toEqual([
      { event: "flow", data: '{"a":\n1}', id: "7" },
      { event: "message", data: "y", id: "7" },
    ]);
    expect(feed(...text)).toEqual(whole);
  });
  it("takes CRLF and CR, cut anywhere", () => {
    const text = "event: flow\r\ndata: 1\r\n\r\nevent: flow\rdata: 2\r\rdata: 3\n\n";
    expect(feed(...text).map((e) => e.data)).toEqual(["1", "2", "3"]);
  });
  it("holds an event back until it is whole", () => {
    expect(feed("data: 1\n")).toEqual([]);
  });
});

describe("rates", () => {
  const flow = (changes: number, per: number[] = []): Flow => ({ at: "2026-01-01T00:00:00Z", sources: [], away: [], datasets: per.map((n, i) => ({ id: "D" + i, changes_per_s: n, total: 0, lag_s: null, state: "fresh" })), totals: { changes, lookups: changes * 2, denied: 0, quarantined: 0, findings_open: 0 } });
  it("are unknown without two counts, and when counting began anew", () => {
    expect(rate(undefined, 5, 1)).toBeNull();
    expect(rate(5, 3, 1)).toBeNull();
    expect(rate(5, 9, 0)).toBeNull();
    expect(rate(5, 9, 2)).toBe(2);
  });
  it("of a source come from what it itself has read", () => {
    const points = Array.from({ length: 20 }, (_, i) => ({ at: i * 2000, rows: i < 10 ? 0 : (i - 9) * 6 }));
    expect(readRate(undefined)).toBeNull();
    expect(readRate(points.slice(0, 1))).toBeNull();
    expect(readRate(points.slice(0, 5))).toBe(0);
    expect(readRate(points)).toBe(3);
    expect(readSpark(points)).toHaveLength(19);
  });
  it("are the sum over the datasets, unknown where there is none", () => {
    expect(changesPerSecond(flow(0, [1, 2.5]))).toBe(3.5);
    expect(changesPerSecond(flow(0))).toBeNull();
  });
  it("come from the totals where datasets give none, and the history is bounded", () => {
    let s: LiveFlow = { flow: undefined, history: [], spark: {}, read: {}, mode: "waiting", error: undefined };
    let before = null as { totals: Flow["totals"]; at: number } | null;
    for (let i = 0; i < 400; i++) {
      const f = flow(i * 10);
      s = advance(s, f, i * 2000, "live", before);
      before = { totals: f.totals, at: i * 2000 };
    }
    expect(s.history).toHaveLength(300);
    expect(s.history[299]).toMatchObject({ changes: 5, lookups: 10, denied: 0, quarantined: 0 });
  });
});
