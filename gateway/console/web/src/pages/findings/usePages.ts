import { useMemo, useState } from "react";
import { ApiError } from "../../api/client";
import { read, useApi } from "../../api/hooks";
import { type Finding, list, pathOf } from "../../api/types";
import type { asked } from "./Filters";

const pageSize = 100;
/** At most so many are taken away in one file. */
const most = 20_000;

/** Findings page after page: the first is asked for again and again, the others when wanted. */
export function usePages(query: ReturnType<typeof asked>) {
  const at = (cursor: string, limit = pageSize) => pathOf("/v1/findings", {}, { ...query, limit, cursor });
  const path: string = at("");
  const first = useApi(at(""), 10000);
  const [more, setMore] = useState<{ path: string; rows: Finding[]; next: string; error?: ApiError; busy: boolean }>({ path: "", rows: [], next: "", busy: false });
  const mine = more.path === path ? more : null;
  const next = mine ? mine.next : (first.data?.next ?? "");
  const rows = useMemo(() => {
    const byId = new Map<string, Finding>();
    for (const f of [...list(first.data?.findings), ...(mine?.rows ?? [])]) if (!byId.has(f.id)) byId.set(f.id, f);
    return [...byId.values()];
  }, [first.data, mine]);

  const loadMore = async () => {
    if (!next) return;
    setMore({ path, rows: mine?.rows ?? [], next, busy: true });
    try {
      const page = await read(at(next));
      setMore((m) => ({ path, rows: [...(m.path === path ? m.rows : []), ...page.findings], next: page.next, busy: false }));
    } catch (e) {
      if (e instanceof ApiError) setMore((m) => ({ ...m, path, error: e, busy: false }));
    }
  };
  /** All that the filters let through, not only what was loaded. */
  const all = async () => {
    const out: Finding[] = [];
    for (let cursor = ""; ; ) {
      const page = await read(at(cursor, 500));
      out.push(...page.findings);
      cursor = page.next;
      if (!cursor || out.length >= most) return out;
    }
  };
  return { first, rows, next, busy: mine?.busy ?? false, error: mine?.error, loadMore, all };
}
