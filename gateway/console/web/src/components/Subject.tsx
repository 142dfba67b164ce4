import { Tooltip } from "antd";
import { useI18n } from "../i18n";
import { subjectTag } from "../lib/subject";

/** Whom a finding is about: masked, and with the first signs of its token, by which two of the same region are told apart. */
export function Subject({ masked, token }: { masked: string; token: string }) {
  const { t } = useI18n();
  return (
    <span className="subject">
      <span className="mono val">{masked || "–"}</span>{" "}
      <Tooltip title={t("subject.tag.long")} trigger={["hover", "focus"]}>
        <span className="chip mono" tabIndex={0}>
          <span className="sr">{t("subject.tag")} </span>#{subjectTag(token)}
        </span>
      </Tooltip>
    </span>
  );
}
