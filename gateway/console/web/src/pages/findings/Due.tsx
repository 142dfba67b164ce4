import { Tooltip } from "antd";
import type { Finding } from "../../api/types";
import { Mark } from "../../components/Mark";
import { useI18n } from "../../i18n";
import { day, daysUntil } from "../../lib/format";
import { useNow } from "../../lib/now";

/** How long is left, in calendar days; the date itself on hover. */
export function Due({ finding: f }: { finding: Finding }) {
  const { t } = useI18n();
  const now = useNow();
  const left = daysUntil(f.due, now);
  if (left === null) return <span className="dim">–</span>;
  const date = day(f.due) ?? "";
  if (f.state === "closed") return <span className="num dim">{date}</span>;
  return (
    <Tooltip title={date}>
      <span>
        <Mark tone={left < 0 ? "bad" : left <= 2 ? "warn" : "idle"} icon={left < 0 ? "bad" : "clock"}>
          {left < 0 ? t("finding.late", { n: -left }) : left === 0 ? t("finding.today") : t("finding.left", { n: left })}
        </Mark>
      </span>
    </Tooltip>
  );
}
