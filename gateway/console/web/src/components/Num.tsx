import { Tooltip } from "antd";
import { useI18n } from "../i18n";
import { exact, short } from "../lib/format";
import type { Tone } from "./Mark";

/** A number in 万/亿, exact on hover; 未知 when unknown. */
export function Num({ n, unit }: { n: number | null | undefined; unit?: string }) {
  const { lang, t } = useI18n();
  const s = short(n, lang);
  if (s === null) return <span className="dim">{t("common.unknown")}</span>;
  const e = exact(n, lang)!;
  const body = (
    <span className="num">
      {s}
      {unit ? <small> {unit}</small> : null}
    </span>
  );
  return e === s ? body : <Tooltip title={unit ? `${e} ${unit}` : e}>{body}</Tooltip>;
}

/** A tiny line of the last values. */
export function Spark({ values, tone = "info", label }: { values: number[]; tone?: Tone; label?: string }) {
  const w = 96;
  const h = 24;
  if (values.length < 3 || !values.some((v) => v > 0)) return <span className="spark" aria-hidden="true" style={{ width: w, height: h }} />;
  const max = Math.max(...values, 0.001);
  const pts = values.map((v, i) => `${((i / (values.length - 1)) * w).toFixed(1)},${(h - 2 - (v / max) * (h - 4)).toFixed(1)}`).join(" ");
  return (
    <svg className={`spark tone-${tone}`} width={w} height={h} viewBox={`0 0 ${w} ${h}`} role="img" aria-label={label}>
      <polyline points={pts} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
