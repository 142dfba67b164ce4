import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { follow } from "./stream";

// A page that can be hidden and shown, and an address that counts its open connections.
class Page extends EventTarget {
  baseURI = "http://console.invalid/";
  visibilityState = "visible";
  show(visible: boolean) {
    this.visibilityState = visible ? "visible" : "hidden";
    this.dispatchEvent(new globalThis.Event("visibilitychange"));
  }
}

describe("following the stream", () => {
  let page: Page;
  let frame: EventTarget;
  let open: number;
  let opened: number;
  beforeEach(() => {
    page = new Page();
    frame = new EventTarget();
    open = opened = 0;
    vi.stubGlobal("document", page);
    vi.stubGlobal("window", frame);
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
      open++;
      opened++;
      const body = new ReadableStream<Uint8Array>({
        start(c) {
          c.enqueue(new TextEncoder().encode("event: flow\ndata: 1\n\n"));
          init.signal?.addEventListener("abort", () => {
            open--;
            c.error(new Error("aborted"));
          });
        },
      });
      return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
    });
  });
  afterEach(() => vi.unstubAllGlobals());
  const settle = () => new Promise((done) => setTimeout(done));

  it("holds one connection while the page is seen, none while it is not", async () => {
    const states: string[] = [];
    const stop = follow("v1/events", () => "", () => {}, (s) => states.push(s));
    await settle();
    expect([open, states]).toEqual([1, ["live"]]);
    page.show(false);
    await settle();
    expect([open, states]).toEqual([0, ["live", "down"]]);
    page.show(true);
    await settle();
    expect([open, opened, states]).toEqual([1, 2, ["live", "down", "live"]]);
    stop();
    await settle();
    expect(open).toBe(0);
  });
  it("lets go when the page is left, and takes up when it comes back from the browser's history", async () => {
    const stop = follow("v1/events", () => "", () => {}, () => {});
    await settle();
    frame.dispatchEvent(new globalThis.Event("pagehide"));
    await settle();
    expect(open).toBe(0);
    frame.dispatchEvent(new globalThis.Event("pageshow"));
    await settle();
    expect(open).toBe(1);
    stop();
  });
  it("opens nothing more once it is stopped", async () => {
    const stop = follow("v1/events", () => "", () => {}, () => {});
    stop();
    page.show(false);
    page.show(true);
    await settle();
    expect([open, opened]).toEqual([0, 1]);
  });
});
