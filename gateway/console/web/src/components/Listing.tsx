// A list: a table where there is room, cards on a phone, and a file to take away.
// Its columns are declared once for all three.

import { DownloadOutlined } from "@ant-design/icons";
import { Button, Pagination, Table } from "antd";
import { type ReactNode, useState } from "react";
import { useI18n } from "../i18n";
import { csv, save, type TextColumn } from "../lib/csv";
import { stamp } from "../lib/format";
import { useNarrow } from "../lib/narrow";

export interface Column<T> extends TextColumn<T> {
  key: string;
  /** what stands in the cell; left out = in the file only */
  show?: (row: T) => ReactNode;
  heading?: ReactNode;
  width?: number;
  align?: "right";
  sort?: (a: T, b: T) => number;
  /** heads the card */
  head?: boolean;
}

const most = 50;

export function Listing<T extends object>({ columns, rows, rowKey, empty, open, size = "middle", wide, whole }: {
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  empty?: ReactNode;
  /** a click anywhere in a row */
  open?: (row: T) => void;
  size?: "small" | "middle";
  /** columns take the room they need, and the table scrolls in its frame */
  wide?: boolean;
  /** the page has its own way to more: all rows that there are stand below one another */
  whole?: boolean;
}) {
  const narrow = useNarrow();
  const [page, setPage] = useState(1);
  const shown = columns.filter((c) => c.show);
  const perPage = whole ? Math.max(rows.length, 1) : most;
  if (narrow) {
    const from = Math.min(page, Math.max(1, Math.ceil(rows.length / perPage))) - 1;
    return (
      <>
        {rows.length === 0 ? empty : null}
        <ul className="cards">
          {rows.slice(from * perPage, (from + 1) * perPage).map((r) => (
            <li key={rowKey(r)}>
              <div className="cards-head">{shown.filter((c) => c.head).map((c) => <div key={c.key}>{c.show!(r)}</div>)}</div>
              <dl>
                {shown.filter((c) => !c.head).map((c) => (
                  <div key={c.key}>
                    <dt>{c.heading ?? c.title}</dt>
                    <dd>{c.show!(r)}</dd>
                  </div>
                ))}
              </dl>
            </li>
          ))}
        </ul>
        {rows.length > perPage ? <Pagination className="more" simple current={from + 1} pageSize={perPage} total={rows.length} onChange={(p) => (setPage(p), scrollTo(0, 0))} /> : null}
      </>
    );
  }
  return (
    <Table<T>
      size={size}
      tableLayout={wide ? undefined : "fixed"}
      scroll={wide ? { x: "max-content" } : undefined}
      rowKey={rowKey}
      columns={shown.map((c) => ({ key: c.key, title: c.heading ?? c.title, width: c.width, align: c.align, sorter: c.sort, render: (_: unknown, r: T) => c.show!(r) }))}
      dataSource={rows}
      pagination={rows.length > perPage ? { pageSize: perPage, showSizeChanger: false } : false}
      onRow={open ? (r) => ({ onClick: (e) => (e.target as HTMLElement).closest("a,button,time") === null && open(r), className: "clickable" }) : undefined}
      locale={empty ? { emptyText: empty } : undefined}
    />
  );
}

/** Takes a list away as CSV: what is shown, or all that `all` fetches. */
export function Export<T>({ name, columns, rows, all }: { name: string; columns: TextColumn<T>[]; rows: T[]; all?: () => Promise<T[]> }) {
  const { t } = useI18n();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const take = async () => {
    setBusy(true);
    setFailed(false);
    try {
      save(`yiyuan-${name}-${(stamp(new Date()) ?? "").replace(/\D/g, "")}.csv`, csv(columns, all ? await all() : rows));
    } catch {
      setFailed(true);
    }
    setBusy(false);
  };
  return (
    <>
      <Button icon={<DownloadOutlined />} loading={busy} disabled={rows.length === 0} onClick={() => void take()} data-export={name}>
        {t("export.csv")}
      </Button>
      {failed ? (
        <span className="tone-bad" role="alert">
          {t("export.failed")}
        </span>
      ) : null}
    </>
  );
}

/** The title of a column of moments in a file. */
export const useMoment = () => {
  const { t } = useI18n();
  return { title: (title: string) => `${title} (${t("common.zone")})`, text: (v: string | null | undefined) => stamp(v) ?? "" };
};
