import { Tooltip } from "antd";
import { Link } from "react-router";
import { useFlow } from "../../api/flow";
import { type Catalogue, type DatasetSummary, list } from "../../api/types";
import { Card } from "../../components/Page";
import { DatasetMark, iconOfDataset, toneOfDataset } from "../../components/Mark";
import { Empty } from "../../components/State";
import { useI18n } from "../../i18n";
import { duration, relative, stamp } from "../../lib/format";
import { groupBy } from "../../lib/group";
import { useNow } from "../../lib/now";

const order = ["fresh", "due", "overdue", "stopped", "unknown"];

/** Every dataset as a chip under its department: who lags, at a glance. */
export function FreshnessCard({ catalogue }: { catalogue: Catalogue }) {
  const { t, lang, name, say } = useI18n();
  const { flow } = useFlow();
  const now = useNow();
  const live = new Map(list(flow?.datasets).map((d) => [d.id, d]));
  const sets = list(catalogue.datasets);
  const stateOf = (d: DatasetSummary) => live.get(d.id)?.state ?? d.state;
  const groups = groupBy(sets, (d) => d.provider);
  const departments = new Map(list(catalogue.departments).map((d) => [d.id, name(d.title, d.english)]));
  const counts = groupBy(sets, stateOf);
  if (sets.length === 0) return <Card title={t("fresh.title")}><Empty title={t("catalogue.empty")}>{t("catalogue.empty.do")}</Empty></Card>;
  return (
    <Card
      title={t("fresh.title")}
      extra={
        <span className="legend">
          {order
            .filter((s) => counts.has(s))
            .map((s) => (
              <Link key={s} to={`/catalogue?state=${s}`}>
                <DatasetMark state={s} /> <span className="num">{counts.get(s)!.length}</span>
              </Link>
            ))}
        </span>
      }
    >
      <div className="fresh">
        {[...groups].map(([dept, ds]) => (
          <div key={dept} className="fresh-row">
            <Link to={`/catalogue?provider=${dept}`} className="fresh-dept">
              {departments.get(dept) ?? ds[0]?.provider_title ?? dept}
            </Link>
            <div className="fresh-sets">
              {ds.map((d) => {
                const s = stateOf(d);
                const lag = duration(live.get(d.id)?.lag_s, lang);
                return (
                  <Tooltip
                    key={d.id}
                    title={
                      <>
                        {name(d.title, d.english)} · {say(`state.${s}`, s)}
                        <br />
                        {t("fresh.updated")} {relative(d.last_update, now, lang) ?? t("common.never")} {stamp(d.last_update) ?? ""}
                        {lag ? (
                          <>
                            <br />
                            {t("sources.lag")} {lag}
                          </>
                        ) : null}
                      </>
                    }
                  >
                    <Link to={`/catalogue/${d.id}`} className={`fresh-set fresh-${toneOfDataset(s)}`}>
                      <span aria-hidden="true">{iconOfDataset(s)}</span>
                      <b>{d.id}</b>{" "}
                      <span className="fresh-title">{name(d.title, d.english)}</span> <span className="sr">{say(`state.${s}`, s)}</span>
                    </Link>
                  </Tooltip>
                );
              })}
            </div>
          </div>
        ))}
      </div>
    </Card>
  );
}
