// What a page lists, as a file that Excel opens: UTF-8 with its mark, CRLF, one
// heading a column, and no cell that is taken for a formula.

/** One column of a list as text. */
export interface TextColumn<T> {
  title: string;
  text: (row: T) => string | number | boolean | null | undefined;
}

// Excel takes these at the beginning of a cell for the beginning of a formula, the wide ones too.
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]/u;
const plain = /^-?\d{1,15}(\.\d+)?(?:%)?$/;

/** A cell: quoted where it must be, and what could be a formula made a text. */
export function cell(v: string | number | boolean | null | undefined): string {
  if (v === null || v === undefined) return "";
  let s = String(v).replace(/\r\n?/g, "\n");
  if (typeof v === "string" && !plain.test(s) && (formula.test(s) || /^[\t\n]/.test(s))) s = "'" + s;
  return /[",\n\r]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
}

export function csv<T>(columns: TextColumn<T>[], rows: T[]): string {
  const lines = [columns.map((c) => cell(c.title)), ...rows.map((r) => columns.map((c) => cell(c.text(r))))];
  return "\ufeff" + lines.map((l) => l.join(",") + "\r\n").join("");
}

/** Gives the reader a file. */
export function save(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
