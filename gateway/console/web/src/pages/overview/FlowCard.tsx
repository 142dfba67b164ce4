import { useCallback } from "react";
import { useFlow } from "../../api/flow";
import { Chart, type Palette } from "../../components/Chart";
import { Card } from "../../components/Page";
import { Num } from "../../components/Num";
import { ErrorBox, Waiting } from "../../components/State";
import { useI18n } from "../../i18n";
import { clock } from "../../lib/format";

/** Changes and lookups a second, as they happen. */
export function FlowCard() {
  const { t } = useI18n();
  const { history, error, flow } = useFlow();
  const last = history[history.length - 1];
  const option = useCallback(
    (p: Palette) => {
      const line = (name: string, color: string, at: (h: (typeof history)[number]) => number | null, area: boolean) => ({
        name,
        type: "line",
        showSymbol: false,
        smooth: 0.2,
        color,
        lineStyle: { width: 1.8 },
        areaStyle: area ? { opacity: 0.12 } : undefined,
        data: history.map((h) => {
          const v = at(h);
          return [h.at, v === null ? null : Math.round(v * 100) / 100];
        }),
      });
      const end = last?.at ?? Date.now();
      return {
        animation: false,
        grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
        tooltip: {
          trigger: "axis",
          renderMode: "richText",
          backgroundColor: p.card,
          borderColor: p.line,
          textStyle: { color: p.text, fontSize: 12 },
          formatter: (rows: { axisValue: number; seriesName: string; value: [number, number | null] }[]) =>
            [clock(new Date(rows[0]!.axisValue)) ?? "", ...rows.map((r) => `${r.seriesName}  ${r.value[1] ?? t("common.unknown")}`)].join("\n"),
        },
        xAxis: {
          type: "time",
          // The window grows with what there is, from one minute to five.
          min: Math.max(end - 5 * 60_000, Math.min(history[0]?.at ?? end, end - 60_000)),
          max: end,
          axisLine: { lineStyle: { color: p.line } },
          axisLabel: { color: p.dim, hideOverlap: true, formatter: (v: number) => clock(new Date(v)) ?? "" },
          splitLine: { show: false },
        },
        yAxis: { type: "value", min: 0, minInterval: 1, axisLabel: { color: p.dim }, splitLine: { lineStyle: { color: p.line } } },
        series: [
          line(t("flow.changes"), p.primary, (h) => h.changes, true),
          line(t("flow.lookups"), p.ok, (h) => h.lookups, false),
          line(t("flow.denied"), p.bad, (h) => h.denied, false),
        ],
      };
    },
    [history, last, t],
  );
  const now = (n: number | null | undefined) => <Num n={n ?? null} unit={t("unit.perSecond")} />;
  return (
    <Card
      title={t("flow.title")}
      extra={
        <span className="legend">
          <span className="swatch swatch-primary">
            {t("flow.changes")} {now(last?.changes)}
          </span>
          <span className="swatch swatch-ok">
            {t("flow.lookups")} {now(last?.lookups)}
          </span>
          <span className="swatch swatch-bad">
            {t("flow.denied")} {now(last?.denied)}
          </span>
        </span>
      }
    >
      {error ? <ErrorBox error={error} compact={flow !== undefined} /> : null}
      {flow ? (
        <Chart height={200} option={option} label={t("flow.aria")} />
      ) : error ? null : (
        <Waiting rows={5} />
      )}
    </Card>
  );
}
