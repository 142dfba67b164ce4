import { useI18n } from "../i18n";
import { percent } from "../lib/format";

const from = 150;
const sweep = 240;

function point(share: number, r: number): [number, number] {
  const a = ((from + sweep * share) * Math.PI) / 180;
  return [150 + r * Math.cos(a), 132 + r * Math.sin(a)];
}

function arc(a: number, b: number, r: number): string {
  const [x0, y0] = point(a, r);
  const [x1, y1] = point(b, r);
  return `M${x0.toFixed(2)} ${y0.toFixed(2)}A${r} ${r} 0 ${(b - a) * sweep > 180 ? 1 : 0} 1 ${x1.toFixed(2)} ${y1.toFixed(2)}`;
}

/** The big gauge of a share with its target line; what it shows is said beside it. */
export function Gauge({ value, target, met }: { value: number | null; target: number | null; met: boolean | null }) {
  const { t } = useI18n();
  const v = value === null ? 0 : Math.min(1, Math.max(0, value));
  const tone = value === null || met === null ? "idle" : met ? "ok" : "bad";
  const said = percent(value) ?? t("common.unknown");
  const ticks = Array.from({ length: 11 }, (_, i) => i / 10);
  return (
    <svg className={`gauge tone-${tone}`} viewBox="0 0 300 218" aria-hidden="true">
      <path d={arc(0, 1, 104)} className="gauge-rail" />
      {v > 0 ? <path d={arc(0, v, 104)} className="gauge-value" /> : null}
      {ticks.map((x) => {
        const [x0, y0] = point(x, 86);
        const [x1, y1] = point(x, 82);
        return <line key={x} x1={x0} y1={y0} x2={x1} y2={y1} className="gauge-tick" />;
      })}
      {target !== null ? (
        <g className="gauge-target">
          <line x1={point(target, 90)[0]} y1={point(target, 90)[1]} x2={point(target, 122)[0]} y2={point(target, 122)[1]} />
          <text x={point(target, 127)[0]} y={point(target, 127)[1]} textAnchor="start" dominantBaseline="middle">
            {percent(target, 0)}
          </text>
        </g>
      ) : null}
      <text x="150" y="134" className="gauge-number" textAnchor="middle">
        {said}
      </text>
      <text x="150" y="160" className="gauge-word" textAnchor="middle">
        {met === null || value === null ? t("indicator.unknown") : met ? t("indicator.met") : t("indicator.unmet")}
      </text>
      <text x={point(0, 104)[0]} y="207" className="gauge-end" textAnchor="middle">
        0
      </text>
      <text x={point(1, 104)[0]} y="207" className="gauge-end" textAnchor="middle">
        100%
      </text>
    </svg>
  );
}
