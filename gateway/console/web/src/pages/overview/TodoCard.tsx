import { Link } from "react-router";
import { Card } from "../../components/Page";
import { Mark, type Tone } from "../../components/Mark";
import { When } from "../../components/When";
import { Empty, Waiting } from "../../components/State";
import { useI18n } from "../../i18n";
import { daysUntil } from "../../lib/format";
import { useNow } from "../../lib/now";
import { foremost, type Todo } from "../../lib/todo";

const most = 7;
const tone: Record<Todo["kind"], [Tone, string]> = {
  source: ["bad", "bad"],
  stopped: ["bad", "idle"],
  overdue: ["bad", "clock"],
  finding: ["warn", "alarm"],
  quarantine: ["warn", "warn"],
};

function Detail({ of }: { of: Todo }) {
  const { t, say } = useI18n();
  const now = useNow();
  switch (of.kind) {
    case "source":
      return <>{of.detail || t("todo.source.do")}</>;
    case "finding": {
      const d = daysUntil(of.at, now);
      const due = d === null ? "" : d < 0 ? t("finding.late", { n: -d }) : d === 0 ? t("finding.today") : t("finding.left", { n: d });
      return (
        <>
          {t("todo.finding", { n: of.count })}
          {due ? ` · ${due}` : ""}
        </>
      );
    }
    case "quarantine":
      return <>{t("todo.quarantine.do", { reason: say(`reason.${of.detail}`, of.detail) })}</>;
    default:
      return (
        <>
          {t("fresh.updated")} <When at={of.at} /> · {t("todo.overdue.do")}
        </>
      );
  }
}

/** 需处理: at most seven, worst first. */
export function TodoCard({ items, ready }: { items: Todo[]; ready: boolean }) {
  const { t } = useI18n();
  return (
    <Card title={t("todo.title")} extra={items.length > 0 ? t("todo.count", { n: items.length }) : null} className="todo-card">
      {!ready && items.length === 0 ? (
        <Waiting rows={4} />
      ) : items.length === 0 ? (
        <Empty title={t("todo.none")}>{t("todo.none.do")}</Empty>
      ) : (
        <ol className="todo">
          {foremost(items, most).map((i) => (
            <li key={i.id}>
              <Mark tone={tone[i.kind][0]} icon={tone[i.kind][1]} solid>
                {t(`todo.${i.kind}.word`)}
              </Mark>
              <Link to={i.link} className="todo-what">
                {i.kind === "quarantine" ? t("todo.quarantine", { n: i.count }) : i.subject}
              </Link>
              <span className="todo-who">{i.who}</span>
              <span className="todo-how dim">
                <Detail of={i} />
              </span>
            </li>
          ))}
          {items.length > most ? <li className="dim todo-rest">{t("todo.more", { n: items.length - most })}</li> : null}
        </ol>
      )}
    </Card>
  );
}
