import type { Finding } from "../../api/types";
import { type Column, useMoment } from "../../components/Listing";
import { CertaintyMark, FindingMark, SeverityMark } from "../../components/Mark";
import { Subject } from "../../components/Subject";
import { When } from "../../components/When";
import { useI18n } from "../../i18n";
import { subjectTag } from "../../lib/subject";
import { Due } from "./Due";

/** The columns of findings, on the page and in the file. */
export function useColumns({ titleOf, department, dataset, open }: { titleOf: (f: Finding) => string; department: (f: Finding) => string; dataset: (id: string) => string; open: (f: Finding) => void }): Column<Finding>[] {
  const { t, say } = useI18n();
  const moment = useMoment();
  const parties = (f: Finding) => [...new Set(f.evidence.map((e) => e.dataset))].map(dataset);
  return [
    { key: "severity", title: t("finding.severity"), width: 86, head: true, show: (f) => <SeverityMark severity={f.severity} />, text: (f) => say(`severity.${f.severity}`, f.severity) },
    {
      key: "what",
      title: t("finding.what"),
      head: true,
      show: (f) => (
        <div className="ds-name">
          <button type="button" className="linkish left" onClick={() => open(f)}>
            <b>{f.rule}</b> {titleOf(f)}
          </button>
          <CertaintyMark certainty={f.certainty} />
          <small className="dim">{parties(f).join(" ↔ ")}</small>
        </div>
      ),
      text: (f) => titleOf(f),
    },
    { key: "rule", title: t("finding.rule"), text: (f) => f.rule },
    { key: "case", title: t("finding.case"), text: (f) => f.case },
    { key: "certainty", title: t("finding.certainty"), text: (f) => say(`certainty.${f.certainty}`, f.certainty) },
    { key: "parties", title: t("quarantine.where"), text: (f) => parties(f).join("; ") },
    {
      key: "subject",
      title: t("finding.subject"),
      width: 236,
      show: (f) => (
        <div className="ds-name">
          <Subject masked={f.subject_masked} token={f.subject} />
          <small className="dim">{say(`entity.${f.entity}`, f.entity)}</small>
        </div>
      ),
      text: (f) => f.subject_masked,
    },
    { key: "tag", title: t("subject.tag"), text: (f) => subjectTag(f.subject) },
    { key: "owner", title: t("finding.owner"), width: 140, show: department, text: department },
    { key: "opened", title: t("finding.opened"), width: 112, show: (f) => <When at={f.opened_at} />, text: (f) => moment.text(f.opened_at), sort: (a, b) => Date.parse(a.opened_at) - Date.parse(b.opened_at) },
    { key: "due", title: t("finding.due"), width: 112, show: (f) => <Due finding={f} />, text: (f) => f.due },
    { key: "closed", title: moment.title(t("timeline.closed")), text: (f) => moment.text(f.closed_at) },
    { key: "state", title: t("finding.state"), width: 98, show: (f) => <FindingMark state={f.state} />, text: (f) => say(`finding.${f.state}`, f.state) },
  ];
}
