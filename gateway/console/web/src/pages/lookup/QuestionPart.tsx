import { Segmented, Select } from "antd";
import { Empty } from "../../components/State";
import { useI18n } from "../../i18n";
import { day } from "../../lib/format";
import type { AskedView, Caller } from "./model";

/** Which view is asked, for which purpose, and whether for the record or for a yes or no. */
export function QuestionPart({ views, view, wanted, choose, purposes, purpose, setPurpose, verify, verifyOnly, setVerify }: {
  views: AskedView[];
  view: AskedView | undefined;
  wanted: string;
  choose: (view: string) => void;
  purposes: Caller["purposes"];
  purpose: string;
  setPurpose: (id: string) => void;
  verify: boolean;
  verifyOnly: boolean;
  setVerify: (on: boolean) => void;
}) {
  const { t, name } = useI18n();
  if (views.length === 0) return <Empty title={t("lookup.noViews")}>{t("lookup.noViews.do")}</Empty>;
  return (
    <>
      <label className="field">
        <span>{t("lookup.view")}</span>
        <Select showSearch={{ optionFilterProp: "label" }} value={view?.id} placeholder={t("lookup.view")} onChange={choose} options={views.map((v) => ({ value: v.id, label: v.title ? `${v.id} ${v.title}` : v.id }))} />
        {view ? (
          <small className="dim">
            {view.quota > 0 ? t("lookup.quota", { n: view.quota }) : t("lookup.noQuota")}
            {" · "}
            {day(view.until) ? t("lookup.until", { date: day(view.until) ?? "" }) : t("lookup.noUntil")}
          </small>
        ) : null}
        {wanted && view && view.id !== wanted ? <small className="tone-warn">{t("lookup.notGranted", { view: wanted })}</small> : null}
      </label>
      <label className="field">
        <span>{t("lookup.purpose")}</span>
        <Select
          value={purpose || undefined}
          onChange={setPurpose}
          placeholder={t("lookup.purpose")}
          options={purposes.map((p) => {
            const title = name(p.title, p.english);
            return { value: p.id, label: title ? `${p.id} ${title}` : p.id };
          })}
        />
      </label>
      {view ? (
        <div className="field">
          <span>{t("lookup.mode")}</span>
          <Segmented
            aria-label={t("lookup.mode")}
            value={verify ? "verify" : "lookup"}
            onChange={(v) => setVerify(v === "verify")}
            options={[
              { value: "lookup", label: t("lookup.mode.lookup"), disabled: verifyOnly },
              { value: "verify", label: t("lookup.mode.verify") },
            ]}
          />
          {verifyOnly ? <small className="dim">{t("lookup.verifyOnly")}</small> : null}
        </div>
      ) : null}
    </>
  );
}
