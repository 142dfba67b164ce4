import { Table, type TableColumnsType } from "antd";
import { useApi } from "../api/hooks";
import { list, type VerificationsLine, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Mark, Num } from "../components/Show";
import { Empty, Ready } from "../components/State";
import { useI18n } from "../i18n";
import { percent } from "../lib/format";

/** How the verifications of every application end: who asks, how often the answer is no, who may be trying values. */
export default function Verifications() {
  const { t } = useI18n();
  const data = useApi(pathOf("/v1/verifications"), 5000);
  const columns: TableColumnsType<VerificationsLine> = [
    { title: t("verifications.app"), key: "app", render: (_, a) => <code className="val">{a.app}</code> },
    {
      title: t("verifications.state"),
      key: "state",
      render: (_, a) => (
        <Mark tone={a.alarm ? "bad" : a.asked === 0 ? "idle" : "ok"} icon={a.alarm ? "bad" : a.asked === 0 ? "question" : "ok"} solid={a.alarm}>
          {t(a.alarm ? "verifications.alarm" : a.asked === 0 ? "verifications.quiet" : "verifications.fine")}
        </Mark>
      ),
    },
    { title: t("verifications.asked"), key: "asked", align: "right", render: (_, a) => <Num n={a.asked} /> },
    { title: t("verifications.missed"), key: "missed", align: "right", render: (_, a) => <Num n={a.missed} /> },
    {
      title: t("verifications.ratio"),
      key: "ratio",
      width: 180,
      render: (_, a) =>
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
    },
    { title: t("verifications.stopped"), key: "stopped", align: "right", render: (_, a) => <Num n={a.stopped} /> },
  ];
  return (
    <>
      <PageHead title={t("nav.verifications")} lead={t("verifications.lead")} />
      <Ready of={data} rows={6}>
        {(d) => {
          const rows = [...list(d.applications)].sort((a, b) => Number(b.alarm) - Number(a.alarm) || b.ratio - a.ratio || a.app.localeCompare(b.app));
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
                  <p className="val">{t("verifications.alarms", { n: alarms.length, apps: alarms.map((a) => a.app).join(", ") })}</p>
                  <p className="oops-do">
                    <b>{t("error.todo")}</b> {t("verifications.alarms.do")}
                  </p>
                </div>
              ) : null}
              <Card className="flush">
                <Table<VerificationsLine> size="middle" rowKey="app" columns={columns} dataSource={rows} scroll={{ x: 640 }} pagination={rows.length > 50 ? { pageSize: 50, showSizeChanger: false } : false} />
              </Card>
              <p className="dim">{t("verifications.rule")}</p>
            </div>
          );
        }}
      </Ready>
    </>
  );
}
