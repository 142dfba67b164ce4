/** "GA01.partial" -> "partial" */
export const shortView = (id: string): string => id.slice(id.indexOf(".") + 1);
export const ownerOf = (id: string): string => (id.includes(".") ? id.slice(0, id.indexOf(".")) : id);

/** Datasets are two letters of the department and a number; entities are words. */
export const isEntityOwner = (owner: string): boolean => /^[a-z]/.test(owner);

export const isVerifyOnly = (v: { id: string; only?: string }): boolean => v.only === "verify" || shortView(v.id) === "verify";
export const isExplain = (v: { id: string }): boolean => shortView(v.id) === "explain";

/** A command that asks for one record; the asker's own key and purpose come from the environment. */
export function curlOf(base: string, view: string, key: string, verify: string[] | null): string {
  const q = (s: string) => `'${s.replace(/'/g, `'\\''`)}'`;
  const body = JSON.stringify(verify ? { view, key, fields: Object.fromEntries(verify.map((f) => [f, "…"])) } : { key });
  return [
    `curl -sS ${q(base + (verify ? "v1/verify" : `v1/lookup/${encodeURIComponent(view)}`))}`,
    `  -H "Authorization: Bearer $YIYUAN_KEY"`,
    `  -H "X-Purpose: $YIYUAN_PURPOSE"`,
    `  -H 'Content-Type: application/json'`,
    `  -d ${q(body)}`,
  ].join(" \\\n");
}
