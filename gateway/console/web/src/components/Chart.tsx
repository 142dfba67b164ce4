import type { EChartsCoreOption, EChartsType } from "echarts/core";
import { useEffect, useRef, useState } from "react";
import { useI18n } from "../i18n";
import { useMode } from "../theme";

export interface Palette {
  text: string;
  dim: string;
  line: string;
  card: string;
  primary: string;
  ok: string;
  warn: string;
  bad: string;
}

function palette(): Palette {
  const css = getComputedStyle(document.documentElement);
  const v = (n: string) => css.getPropertyValue(n).trim();
  return { text: v("--text"), dim: v("--dim"), line: v("--line"), card: v("--card"), primary: v("--primary"), ok: v("--ok"), warn: v("--warn"), bad: v("--bad") };
}

/** Draws an ECharts option made from the theme's colours. `label` is what a reader who cannot see it is told. */
export function Chart({ option, height, label }: { option: (p: Palette) => EChartsCoreOption; height: number; label: string }) {
  const { t } = useI18n();
  const mode = useMode();
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    let gone = false;
    let watch: ResizeObserver | undefined;
    import("./echarts").then(
      ({ init }) => {
        if (gone || !box.current) return;
        const c = init(box.current);
        chart.current = c;
        watch = new ResizeObserver(() => c.resize());
        watch.observe(box.current);
        setReady(true);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      watch?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    if (!ready) return;
    // The attribute that carries the theme is set by an effect of the same turn.
    const frame = requestAnimationFrame(() => chart.current?.setOption(option(palette())));
    return () => cancelAnimationFrame(frame);
  }, [ready, option, mode]);

  if (failed) return <p className="dim">{t("chart.failed")}</p>;
  return <div ref={box} style={{ height, width: "100%" }} role="img" aria-label={label} />;
}
