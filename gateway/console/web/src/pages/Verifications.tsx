import { useApi } from "../api/hooks";
import { pathOf, type VerificationsLine } from "../api/types";
import { type Column, Export, Listing } from "../components/Listing";
import { Mark } from "../components/Mark";
import { Num } from "../components/Num";
import { Card, PageHead } from "../components/Page";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { percent } from "../lib/format";

function useColumns(): Column<VerificationsLine>[] {
  const { t } = useI18n();
  const word = (a: VerificationsLine) => t(a.alarm ? "verifications.alarm" : a.asked === 0 ? "verifications.quiet" : "verifications.fine");
  return [
    {
      key: "app",
      title: t("verifications.app"),
      head: true,
      show: (a) => (
        <>
          {a.title} <code className="dim val">{a.app}</code>
        </>
      ),
      text: (a) => a.app,
    },
    { key: "title", title: t("verifications.title"), text: (a) => a.title },
    {
      key: "state",
      title: t("verifications.state"),
      head: true,
      width: 150,
      show: (a) => (
        <Mark tone={a.alarm ? "bad" : a.asked === 0 ? "idle" : "ok"} icon={a.alarm ? "bad" : a.asked === 0 ? "question" : "ok"} solid={a.alarm}>
          {word(a)}
        </Mark>
      ),
      text: word,
    },
    { key: "asked", title: t("verifications.asked"), align: "right", width: 120, show: (a) => <Num n={a.asked} />, text: (a) => a.asked },
    { key: "missed", title: t("verifications.missed"), align: "right", width: 140, show: (a) => <Num n={a.missed} />, text: (a) => a.missed },
    {
      key: "ratio",
      title: t("verifications.ratio"),
      width: 190,
      show: (a) =>
        a.asked === 0 ? (
          <span className="dim">–</span>
        ) : (
          <span className="ratio">
            <span className="bar-rail" aria-hidden="true">
              <i style={{ width: `${Math.min(1, a.ratio) * 100}%` }} />
            </span>
            <span className="num">{percent(a.ratio)}</span>
          </span>
        ),
      text: (a) => (a.asked === 0 ? "" : percent(a.ratio)),
    },
    { key: "stopped", title: t("verifications.stopped"), align: "right", width: 130, show: (a) => <Num n={a.stopped} />, text: (a) => a.stopped },
  ];
}

/** How the verifications of every application end: who asks, how often the answer is no, who may be trying values. */
export default function Verifications() {
  const { t } = useI18n();
  const data = useApi(pathOf("/v1/verifications"), 5000);
  const columns = useColumns();
  return (
    <>
      <PageHead title={t("nav.verifications")} lead={t("verifications.lead")} />
      <Ready of={data} rows={6}>
        {(d) => {
          const rows = [...d.applications].sort((a, b) => Number(b.alarm) - Number(a.alarm) || b.ratio - a.ratio || a.app.localeCompare(b.app));
          const alarms = rows.filter((a) => a.alarm);
          if (rows.length === 0)
            return (
              <Card>
                <Empty title={t("verifications.none")}>{t("verifications.none.do")}</Empty>
              </Card>
            );
          return (
            <div className="stack">
              {alarms.length > 0 ? (
                <div className="oops" role="alert">
                  <p className="val">{t("verifications.alarms", { n: alarms.length, apps: alarms.map((a) => (a.title ? `${a.title} (${a.app})` : a.app)).join(", ") })}</p>
                  <p className="oops-do">
                    <b>{t("error.todo")}</b> {t("verifications.alarms.do")}
                  </p>
                </div>
              ) : null}
              <Card className="flush">
                <Listing<VerificationsLine> columns={columns} rows={rows} rowKey={(a) => a.app} />
              </Card>
              <p>
                <Export name="verifications" columns={columns} rows={rows} />
              </p>
              <p className="dim">{t("verifications.rule")}</p>
            </div>
          );
        }}
      </Ready>
    </>
  );
}
