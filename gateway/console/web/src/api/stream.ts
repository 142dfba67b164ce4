// Server-sent events over fetch: EventSource cannot carry an API key.

import { address, ApiError, headersOf, problemOf } from "./client";

export interface Event {
  event: string;
  data: string;
  id: string;
}

/** Splits a stream of text into events; feed it pieces as they come. */
export function parser(emit: (e: Event) => void): (piece: string) => void {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id = "";
  const line = (l: string) => {
    if (l === "") {
      if (data.length) emit({ event: event || "message", data: data.join("\n"), id });
      event = "";
      data = [];
      return;
    }
    if (l.startsWith(":")) return;
    const i = l.indexOf(":");
    const field = i < 0 ? l : l.slice(0, i);
    let value = i < 0 ? "" : l.slice(i + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  };
  return (piece) => {
    rest += piece;
    for (;;) {
      const m = /\r\n|\n|\r/.exec(rest);
      if (!m) return;
      // A lone CR at the end may be half of a CRLF.
      if (m[0] === "\r" && m.index === rest.length - 1) return;
      line(rest.slice(0, m.index));
      rest = rest.slice(m.index + m[0].length);
    }
  };
}

export type StreamState = "live" | "down";

/**
 * Follows an event stream until stopped, connecting again after 1 s, 2 s, … 30 s. Silence of 20 s counts as broken.
 * A page nobody sees holds no connection: a browser opens six to one address, and a seventh console would wait for ever.
 */
export function follow(
  path: string,
  key: () => string,
  on: (e: Event) => void,
  state: (s: StreamState) => void,
): () => void {
  let stopped = false;
  let wait = 1000;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let seen = document.visibilityState === "visible";
  let abort: AbortController | undefined;
  const connect = async () => {
    const mine = new AbortController();
    abort = mine;
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => mine.abort(), 20_000);
    };
    try {
      heard();
      const res = await fetch(address(path), {
        headers: { ...headersOf({ key: key(), purpose: key() ? "SUPERVISE" : "" }), Accept: "text/event-stream" },
        signal: mine.signal,
        cache: "no-store",
        credentials: "same-origin",
      });
      if (!res.ok || !res.body) throw await problemOf(res);
      const type = res.headers.get("Content-Type") ?? "";
      if (!type.startsWith("text/event-stream")) throw new Error("not an event stream");
      const feed = parser((e) => {
        wait = 1000;
        state("live");
        on(e);
      });
      const reader = res.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard();
        feed(decoder.decode(value, { stream: true }));
      }
    } catch (e) {
      // Whatever else broke it, the answer is the same: say so and try again.
      if (e instanceof ApiError && (e.status === 401 || e.status === 403)) stopped = true;
    } finally {
      clearTimeout(silence);
    }
    if (abort !== mine) return;
    abort = undefined;
    if (stopped) return;
    state("down");
    if (!seen) return;
    timer = setTimeout(connect, wait);
    wait = Math.min(wait * 2, 30_000);
  };
  const look = (visible: boolean) => {
    if (visible === seen) return;
    seen = visible;
    clearTimeout(timer);
    wait = 1000;
    if (!seen) abort?.abort();
    else if (!stopped) void connect();
  };
  const changed = () => look(document.visibilityState === "visible");
  const left = () => look(false);
  document.addEventListener("visibilitychange", changed);
  window.addEventListener("pagehide", left);
  window.addEventListener("pageshow", changed);
  if (seen) void connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", changed);
    window.removeEventListener("pagehide", left);
    window.removeEventListener("pageshow", changed);
    abort?.abort();
  };
}
