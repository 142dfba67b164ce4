// Times, all in one form: how long ago, and the moment itself in Beijing time when
// pointed at, focused or touched.

import { Tooltip } from "antd";
import { useI18n } from "../i18n";
import { ago, clock, day, stamp } from "../lib/format";
import { useNow } from "../lib/now";

/** "3 分钟前", with the Beijing time on hover and focus (or beside it with `full`). */
export function When({ at, full, none, what }: { at: string | null | undefined; full?: boolean; none?: string; what?: string }) {
  const { lang, t } = useI18n();
  const now = useNow();
  const exact = stamp(at);
  if (!exact || !at) return <span className="dim">{none ?? t("common.never")}</span>;
  const moment = `${exact} ${t("common.zone")}`;
  const said = ago(at, now, lang);
  if (said === null)
    return (
      <time dateTime={at} className="num">
        {moment} <span className="tone-warn">{t("when.ahead")}</span>
      </time>
    );
  if (full)
    return (
      <time dateTime={at}>
        {said} <span className="dim num">· {day(at) === day(now) ? clock(at) : exact} {t("common.zone")}</span>
      </time>
    );
  return (
    <Tooltip title={what ? `${what}${moment}` : moment} trigger={["hover", "focus"]}>
      <time dateTime={at} tabIndex={0} className="when">
        {said}
        <span className="sr"> {moment}</span>
      </time>
    </Tooltip>
  );
}

/** Up to when everything that departments have committed is in. */
export function AsOf({ at, full }: { at: string | null | undefined; full?: boolean }) {
  const { t } = useI18n();
  return (
    <span className="moment">
      <Tooltip title={t("when.asOf.long")} trigger={["hover", "focus"]}>
        <span className="dim explained" tabIndex={0}>{t("when.asOf")}</span>
      </Tooltip>{" "}
      <When at={at} full={full} none={t("common.unknown")} />
    </span>
  );
}

/** When the department itself committed what is shown. */
export function SourceTime({ at, full }: { at: string | null | undefined; full?: boolean }) {
  const { t } = useI18n();
  return (
    <span className="moment">
      <Tooltip title={t("when.source.long")} trigger={["hover", "focus"]}>
        <span className="dim explained" tabIndex={0}>{t("when.source")}</span>
      </Tooltip>{" "}
      <When at={at} full={full} none={t("common.unknown")} />
    </span>
  );
}
