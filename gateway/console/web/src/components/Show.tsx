// Small things shown on every page: numbers, times, states, copyable text.

import {
  AlertOutlined,
  CheckCircleFilled,
  CheckOutlined,
  ClockCircleFilled,
  CloseCircleFilled,
  CopyOutlined,
  ExclamationCircleFilled,
  InfoCircleFilled,
  LoadingOutlined,
  MinusCircleFilled,
  QuestionCircleFilled,
  SyncOutlined,
} from "@ant-design/icons";
import { Tooltip } from "antd";
import { type ReactNode, useState } from "react";
import { useI18n } from "../i18n";
import { clock, day, exact, relative, short, stamp } from "../lib/format";
import { useNow } from "../lib/now";

export type Tone = "ok" | "warn" | "bad" | "idle" | "info";

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

/** "3 分钟前", with the Beijing time on hover (or beside it with `full`). */
export function When({ at, full, none }: { at: string | null | undefined; full?: boolean; none?: string }) {
  const { lang, t } = useI18n();
  const now = useNow();
  const abs = stamp(at);
  if (!abs) return <span className="dim">{none ?? t("common.never")}</span>;
  const rel = relative(at, now, lang);
  const zone = t("common.zone");
  if (full)
    return (
      <span>
        {rel} <span className="dim num">· {day(at) === day(now) ? clock(at) : abs} {zone}</span>
      </span>
    );
  return (
    <Tooltip title={`${abs} ${zone}`}>
      <time dateTime={at ?? undefined}>{rel}</time>
    </Tooltip>
  );
}

const icons: Record<string, ReactNode> = {
  ok: <CheckCircleFilled />,
  warn: <ExclamationCircleFilled />,
  bad: <CloseCircleFilled />,
  idle: <MinusCircleFilled />,
  info: <InfoCircleFilled />,
  clock: <ClockCircleFilled />,
  question: <QuestionCircleFilled />,
  sync: <SyncOutlined />,
  loading: <LoadingOutlined />,
  alarm: <AlertOutlined />,
};

/** Colour, icon and word: never colour alone. */
export function Mark({ tone, icon, children, solid }: { tone: Tone; icon?: string; children: ReactNode; solid?: boolean }) {
  return (
    <span className={`mark mark-${tone}${solid ? " mark-solid" : ""}`}>
      <span aria-hidden="true">{icons[icon ?? tone]}</span>
      <span>{children}</span>
    </span>
  );
}

const datasetTone: Record<string, [Tone, string]> = {
  fresh: ["ok", "ok"],
  due: ["warn", "clock"],
  overdue: ["bad", "bad"],
  stopped: ["bad", "idle"],
  unknown: ["idle", "question"],
};

export function DatasetMark({ state, solid }: { state: string; solid?: boolean }) {
  const { say } = useI18n();
  const [tone, icon] = datasetTone[state] ?? ["idle", "question"];
  return (
    <Mark tone={tone} icon={icon} solid={solid}>
      {say(`state.${state}`, state)}
    </Mark>
  );
}
export const toneOfDataset = (state: string): Tone => (datasetTone[state] ?? ["idle"])[0] as Tone;
export const iconOfDataset = (state: string): ReactNode => icons[(datasetTone[state] ?? ["idle", "question"])[1]];

const sourceTone: Record<string, [Tone, string]> = {
  running: ["ok", "ok"],
  snapshot: ["info", "sync"],
  failed: ["bad", "bad"],
  stopped: ["bad", "idle"],
  held: ["bad", "question"],
  silent: ["bad", "question"],
  waiting: ["info", "sync"],
  resync: ["info", "sync"],
  starting: ["info", "sync"],
  retired: ["idle", "idle"],
};

export function SourceMark({ state, solid }: { state: string; solid?: boolean }) {
  const { say } = useI18n();
  const [tone, icon] = sourceTone[state] ?? ["idle", "question"];
  return (
    <Mark tone={tone} icon={icon} solid={solid}>
      {say(`source.${state}`, state || say("common.unknown", "?"))}
    </Mark>
  );
}

const severityTone: Record<string, [Tone, string]> = { high: ["bad", "alarm"], medium: ["warn", "warn"], low: ["info", "info"] };

export function SeverityMark({ severity }: { severity: string }) {
  const { say } = useI18n();
  const [tone, icon] = severityTone[severity] ?? ["idle", "question"];
  return (
    <Mark tone={tone} icon={icon}>
      {say(`severity.${severity}`, severity)}
    </Mark>
  );
}

/** Shown only where a finding asks: what cannot be lawful needs no mark of its own. */
export function CertaintyMark({ certainty }: { certainty?: string }) {
  const { say } = useI18n();
  if (certainty !== "to_confirm") return null;
  return (
    <Mark tone="info" icon="question">
      {say("certainty.to_confirm", certainty)}
    </Mark>
  );
}

export function FindingMark({ state }: { state: string }) {
  const { say } = useI18n();
  return (
    <Mark tone={state === "closed" ? "ok" : state === "open" ? "warn" : "idle"} icon={state === "closed" ? "ok" : "clock"}>
      {say(`finding.${state}`, state)}
    </Mark>
  );
}

export function ClassMark({ c }: { c: string }) {
  const { say } = useI18n();
  return (
    <Tooltip title={say(`class.${c}.long`, c)}>
      <span className={`cls cls-${/^[ABC]$/.test(c) ? c : "X"}`}>{say(`class.${c}`, c)}</span>
    </Tooltip>
  );
}

/** Text with a copy button that says when it has copied. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const { t } = useI18n();
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Plain http on a government intranet has no clipboard API.
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Tooltip title={done ? t("common.copied") : t("common.copy")}>
      <button type="button" className="copy" aria-label={t("common.copy")} onClick={() => void copy()}>
        {done ? <CheckOutlined /> : <CopyOutlined />}
        {label ? <span>{label}</span> : null}
      </button>
    </Tooltip>
  );
}

export function Code({ text }: { text: string }) {
  return (
    <div className="code">
      <Copy text={text} />
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}

/** A value of the API as text: null is said, never left blank; nothing is ever HTML. */
export function Value({ v }: { v: unknown }) {
  const { t } = useI18n();
  if (v === null || v === undefined || v === "") return <span className="dim">{t("common.none")}</span>;
  if (typeof v === "boolean") return <>{v ? t("common.yes") : t("common.no")}</>;
  if (typeof v === "object") return <span className="mono">{JSON.stringify(v)}</span>;
  return <span className="val">{String(v)}</span>;
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
