import type { FieldFacts } from "../api/facts";
import { useI18n } from "../i18n";

/** A value of the API as text: null is said, never left blank; nothing is ever HTML. */
export function Value({ v }: { v: unknown }) {
  const { t } = useI18n();
  if (v === null || v === undefined || v === "") return <span className="dim">{t("common.none")}</span>;
  if (typeof v === "boolean") return <>{v ? t("common.yes") : t("common.no")}</>;
  if (typeof v === "object") return <span className="mono">{JSON.stringify(v)}</span>;
  return <span className="val">{String(v)}</span>;
}

/** A value with its word if it is one of a code set: "已婚 20". */
export function Coded({ v, facts }: { v: unknown; facts: FieldFacts | undefined }) {
  const title = typeof v === "string" ? facts?.codes.get(v) : undefined;
  if (title === undefined) return <Value v={v} />;
  return (
    <span className="val">
      {title} <code className="dim">{String(v)}</code>
    </span>
  );
}

/** A field by its title, its name beside it. */
export function FieldName({ name, facts, title }: { name: string; facts?: FieldFacts; title?: string }) {
  const said = facts?.title || title;
  return said && said !== name ? (
    <>
      {said} <code className="dim">{name}</code>
    </>
  ) : (
    <code>{name}</code>
  );
}
