import { useMemo, useState } from "react";
import { ApiError } from "./client";
import { read, useApi } from "./hooks";
import { list, type Path } from "./types";

const pageSize = 100;
/** At most so many are taken away in one file. */
const most = 20_000;

/** A list page after page: the first is asked for again and again, the others when wanted. */
export function usePages<P extends { next: string }, E extends { id: string }>(at: (cursor: string, limit: number) => Path<P>, entries: (page: P) => E[]) {
  const path: string = at("", pageSize);
  const first = useApi(at("", pageSize), 10000);
  const [more, setMore] = useState<{ path: string; rows: E[]; next: string; error?: ApiError; busy: boolean }>({ path: "", rows: [], next: "", busy: false });
  const mine = more.path === path ? more : null;
  const next = mine ? mine.next : (first.data?.next ?? "");
  const rows = useMemo(() => {
    const byId = new Map<string, E>();
    for (const e of [...list(first.data && entries(first.data)), ...(mine?.rows ?? [])]) if (!byId.has(e.id)) byId.set(e.id, e);
    return [...byId.values()];
  }, [first.data, mine, entries]);

  const loadMore = async () => {
    if (!next) return;
    setMore({ path, rows: mine?.rows ?? [], next, busy: true });
    try {
      const page = await read(at(next, pageSize));
      setMore((m) => ({ path, rows: [...(m.path === path ? m.rows : []), ...entries(page)], next: page.next, busy: false }));
    } catch (e) {
      if (e instanceof ApiError) setMore((m) => ({ ...m, path, error: e, busy: false }));
    }
  };
  /** All that the filters let through, not only what was loaded. */
  const all = async () => {
    const out: E[] = [];
    for (let cursor = ""; ; ) {
      const page = await read(at(cursor, 500));
      out.push(...entries(page));
      cursor = page.next;
      if (!cursor || out.length >= most) return out;
    }
  };
  return { first, rows, next, busy: mine?.busy ?? false, error: mine?.error, loadMore, all };
}
