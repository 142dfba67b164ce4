import { Button } from "antd";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { useApi } from "../api/hooks";
import { list, type Topology as Data, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Code } from "../components/Copy";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { useNarrow } from "../lib/narrow";
import { family, graph, nodeHeight, nodeWidth, reach } from "../lib/graph";

const cut = (s: string, n: number) => (s.length > n ? s.slice(0, n - 1) + "…" : s);

function Drawing({ data }: { data: Data }) {
  const { t, say } = useI18n();
  const [open, setOpen] = useState<Set<string>>(new Set());
  const [at, setAt] = useState<string | null>(null);
  const [pinned, setPinned] = useState<string | null>(null);
  const g = useMemo(() => graph(data, open), [data, open]);
  const focus = at ?? pinned;
  const lit = useMemo(() => (focus && g.nodes.some((n) => n.id === focus) ? reach(g, focus) : null), [g, focus]);
  const nodes = new Map(g.nodes.map((n) => [n.id, n]));
  const chosen = pinned ? nodes.get(pinned) : undefined;
  const pad = 12;
  const scale = useNarrow() ? 1.3 : 1; // a finger high
  const toggle = (f: string) =>
    setOpen((o) => {
      const next = new Set(o);
      if (!next.delete(f)) next.add(f);
      return next;
    });
  return (
    <div className="stack">
      <Card
        extra={
          <span className="legend">
            <span className="swatch swatch-primary">{t("topology.step")}</span>
            <span className="swatch swatch-idle">{t("topology.topic")}</span>
            <span className="swatch swatch-group">{t("topology.group")}</span>
          </span>
        }
        title={
          open.size > 0 ? (
            <Button size="small" onClick={() => setOpen(new Set())}>
              {t("topology.fold")}
            </Button>
          ) : undefined
        }
      >
        <div className="graph-box">
          <svg className="graph" viewBox={`0 0 ${g.width + pad * 2} ${g.height + pad * 2}`} style={{ width: (g.width + pad * 2) * scale, maxWidth: g.height > 700 ? undefined : "100%" }} role="group" aria-label={t("topology.aria")}>
            <g transform={`translate(${pad},${pad})`}>
              {g.edges.map((e) => {
                const a = nodes.get(e.from)!;
                const b = nodes.get(e.to)!;
                const x0 = a.x + nodeWidth;
                const y0 = a.y + nodeHeight / 2;
                const x1 = b.x;
                const y1 = b.y + nodeHeight / 2;
                const bend = Math.max(30, Math.abs(x1 - x0) / 2);
                const on = lit ? lit.has(e.from) && lit.has(e.to) : true;
                return <path key={e.from + e.to} className={on ? (lit ? "edge edge-on" : "edge") : "edge edge-off"} d={`M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`} />;
              })}
              {g.nodes.map((n) => (
                <g
                  key={n.id}
                  transform={`translate(${n.x},${n.y})`}
                  className={`node node-${n.kind}${lit && !lit.has(n.id) ? " node-off" : ""}${pinned === n.id ? " node-pinned" : ""}`}
                  tabIndex={0}
                  role="button"
                  aria-label={n.kind === "group" ? `${n.label} × ${n.members.length} ${t("topology.group")}` : n.label}
                  onMouseEnter={() => setAt(n.id)}
                  onMouseLeave={() => setAt(null)}
                  onFocus={() => setAt(n.id)}
                  onBlur={() => setAt(null)}
                  onClick={() => setPinned((p) => (p === n.id ? null : n.id))}
                  onKeyDown={(e) => {
                    if (e.key === "Enter" || e.key === " ") {
                      e.preventDefault();
                      setPinned((p) => (p === n.id ? null : n.id));
                    }
                  }}
                >
                  <title>{n.label}</title>
                  {n.kind === "group" ? <rect x="4" y="4" width={nodeWidth} height={nodeHeight} rx="6" className="node-shadow" /> : null}
                  <rect width={nodeWidth} height={nodeHeight} rx={n.kind === "step" ? 17 : 6} />
                  <text x={nodeWidth / 2} y={nodeHeight / 2} textAnchor="middle" dominantBaseline="central">
                    {cut(n.kind === "group" ? `${n.label} × ${n.members.length}` : n.label, 24)}
                  </text>
                </g>
              ))}
            </g>
          </svg>
        </div>
        <p className="dim">{t("topology.help")}</p>
      </Card>
      {chosen ? (
        <Card title={<code>{chosen.label}</code>} extra={t(`topology.${chosen.kind}`)}>
          {chosen.kind === "group" ? (
            <div className="stack">
              <div className="chips">
                {chosen.members.map((m) => (
                  <span key={m} className="chip mono">
                    {m}
                  </span>
                ))}
              </div>
              <Button size="small" onClick={() => toggle(chosen.label)}>
                {t("topology.unfold")}
              </Button>
            </div>
          ) : chosen.kind === "step" ? (
            <dl className="kv">
              <dt>{t("topology.does")}</dt>
              <dd>{say(`step.${chosen.label.split(".")[0]}`, chosen.label)}</dd>
              <dt>{t("topology.from")}</dt>
              <dd className="chips">{list(list(data.steps).find((s) => s.name === chosen.label)?.from).map((x) => <span key={x} className="chip mono">{x}</span>)}</dd>
              <dt>{t("topology.to")}</dt>
              <dd className="chips">{list(list(data.steps).find((s) => s.name === chosen.label)?.to).map((x) => <span key={x} className="chip mono">{x}</span>)}</dd>
            </dl>
          ) : (
            <p>
              {say(`topic.${chosen.label.split(".")[0]}`, "")}{" "}
              {/^(raw|shared)\.[A-Z]{2}\d+/.test(chosen.label) ? <Link to={`/catalogue/${chosen.label.split(".")[1]}`}>{chosen.label.split(".")[1]}</Link> : null}
              {open.has(family(chosen.label)) ? (
                <Button size="small" onClick={() => toggle(family(chosen.label))}>
                  {t("topology.foldOne", { name: family(chosen.label) })}
                </Button>
              ) : null}
            </p>
          )}
        </Card>
      ) : null}
      {data.mermaid ? (
        <Card>
          <details>
            <summary>{t("topology.mermaid")}</summary>
            <Code text={data.mermaid} />
          </details>
        </Card>
      ) : null}
    </div>
  );
}

export default function Topology() {
  const { t } = useI18n();
  const data = useApi(pathOf("/v1/topology"));
  return (
    <>
      <PageHead title={t("nav.topology")} lead={t("topology.lead")} />
      <Ready of={data} rows={8}>
        {(d) => (list(d.steps).length === 0 ? <Card><Empty title={t("topology.none")}>{t("topology.none.do")}</Empty></Card> : <Drawing data={d} />)}
      </Ready>
    </>
  );
}
