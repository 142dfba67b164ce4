import { afterEach, describe, expect, it, vi } from "vitest";
import { unreached } from "./unreached";

afterEach(() => vi.unstubAllGlobals());

describe("whether the gateway is reached", () => {
  it("tells a gateway that is away, itself or by its proxy, from one that answers", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await unreached("/console/")).toBe(true);
    for (const [status, away] of [[502, true], [503, true], [504, true], [200, false], [404, false], [405, false]] as const) {
      vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status })));
      expect(await unreached("/console/"), `${status}`).toBe(away);
    }
  });
});
