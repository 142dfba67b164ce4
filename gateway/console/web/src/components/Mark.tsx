// States: colour, icon and word, never colour alone.

import {
  AlertOutlined,
  CheckCircleFilled,
  ClockCircleFilled,
  CloseCircleFilled,
  ExclamationCircleFilled,
  InfoCircleFilled,
  LoadingOutlined,
  MinusCircleFilled,
  QuestionCircleFilled,
  SyncOutlined,
} from "@ant-design/icons";
import { Tooltip } from "antd";
import type { ReactNode } from "react";
import { useI18n } from "../i18n";

export type Tone = "ok" | "warn" | "bad" | "idle" | "info";

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
