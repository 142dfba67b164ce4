import { InfoCircleFilled } from "@ant-design/icons";
import { Button, Tabs } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useApi } from "../api/hooks";
import { consoleKey } from "../api/session";
import { list, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Empty, Waiting } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { cleanKey } from "../lib/keys";
import { isExplain, isVerifyOnly } from "../lib/views";
import { ask } from "./lookup/ask";
import { AskerPart } from "./lookup/AskerPart";
import { CodeTab } from "./lookup/CodeTab";
import { Explain } from "./lookup/Explain";
import { KeyField } from "./lookup/KeyField";
import { benchChoice, benchKey, entered, ofConsole } from "./lookup/keys";
import type { Round } from "./lookup/model";
import { QuestionPart } from "./lookup/QuestionPart";
import { Result } from "./lookup/Result";
import { Trace } from "./lookup/Trace";
import { useCaller } from "./lookup/useCaller";
import { useFields } from "./lookup/useFields";
import { VerifyFields } from "./lookup/VerifyFields";

/** One question at a time, and what came of the last. */
function useRound() {
  const [round, setRound] = useState<Round | null>(null);
  const [busy, setBusy] = useState(false);
  const asking = useRef<AbortController | null>(null);
  useEffect(() => () => asking.current?.abort(), []);
  const forget = () => {
    asking.current?.abort();
    setRound(null);
    setBusy(false);
  };
  const put = async (question: Parameters<typeof ask>[0]) => {
    asking.current?.abort();
    const abort = new AbortController();
    asking.current = abort;
    setBusy(true);
    const came = await ask(question, abort.signal);
    if (abort.signal.aborted) return;
    setRound(came);
    setBusy(false);
  };
  return { round, busy, forget, put };
}

export default function Lookup() {
  const { t, name } = useI18n();
  const { get, set } = useFilters();
  const demo = useApi(pathOf("/v1/console/apps"));
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const apps = list(demo.data?.apps);
  const departments = useMemo(() => new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);
  const datasets = useMemo(() => new Map(list(catalogue.data?.datasets).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);

  const held = consoleKey.use();
  const choice = benchChoice.use();
  const ownKey = benchKey.use();
  const [purpose, setPurpose] = useState("");
  const [raw, setRaw] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});
  const [wantVerify, setWantVerify] = useState(false);
  const { round, busy, forget, put } = useRound();
  const wanted = get("view");

  // Without a choice: in a demo the first application that may see the wanted view, else the console's own key.
  const may = [...apps.map((a) => a.id), ...(held ? [ofConsole] : []), entered];
  const fallback = (apps.find((a) => a.views.includes(wanted)) ?? apps[0])?.id ?? (held ? ofConsole : entered);
  const chosen = may.includes(choice) ? choice : fallback;
  const apiKey = chosen === entered ? ownKey : chosen === ofConsole ? held : (apps.find((a) => a.id === chosen)?.key ?? "");
  const { caller, error, busy: calling } = useCaller(apiKey);

  const views = (caller?.views ?? []).filter((v) => !isExplain(v));
  const view = views.find((v) => v.id === wanted) ?? views[0];
  const verifyOnly = view ? isVerifyOnly(view) : false;
  const verify = verifyOnly || wantVerify;
  const purposes = (caller?.purposes ?? []).filter((p) => !view || view.purposes.length === 0 || view.purposes.includes(p.id));
  const usePurpose = purposes.some((p) => p.id === purpose) ? purpose : (purposes[0]?.id ?? "");
  const { facts, keys, keyTitle, keyElement } = useFields(view?.id ?? "");
  const cleaned = cleanKey(raw).key;
  const filled = Object.fromEntries(Object.entries(fields).filter(([k, v]) => v.trim() !== "" && view?.fields.some((f) => f.name === k)));
  const enough = !verify || Object.keys(filled).length >= 2;
  const ready = view !== undefined && usePurpose !== "" && cleaned !== "" && enough;
  const submit = () => {
    if (view && ready) void put({ view, purpose: usePurpose, key: cleaned, apiKey, verify: verify ? filled : null });
  };

  const tabs = round
    ? [
        { key: "result", label: t("lookup.tab.result"), children: <Result round={round} facts={facts} datasets={datasets} retry={submit} /> },
        { key: "trace", label: t("lookup.tab.trace"), children: <Trace round={round} caller={caller} /> },
        { key: "explain", label: t("lookup.tab.explain"), children: <Explain round={round} facts={facts} departments={departments} datasets={datasets} /> },
        { key: "code", label: t("lookup.tab.code"), children: <CodeTab view={round.view.id} valueKey={round.key} purpose={round.purpose} verify={round.verify} /> },
      ]
    : [];
  return (
    <>
      <PageHead title={t("nav.lookup")} lead={t("lookup.lead")} />
      <p className="infobox gap-below">
        <InfoCircleFilled className="tone-info" aria-hidden="true" /> {t("lookup.recorded")}
      </p>
      <div className="lookup">
        <Card className="lookup-form">
          <form
            onSubmit={(e) => {
              e.preventDefault();
              submit();
            }}
          >
            {demo.loading ? (
              <Waiting rows={3} />
            ) : (
              <AskerPart
                apps={apps}
                chosen={chosen}
                choose={(id) => (benchChoice.set(id), forget())}
                hasConsoleKey={held !== ""}
                ownKey={ownKey}
                setOwnKey={(key) => (benchKey.set(key), forget())}
                caller={caller}
                error={error}
                busy={calling}
                departments={departments}
              />
            )}
            {caller ? (
              <QuestionPart
                views={views}
                view={view}
                wanted={wanted}
                choose={(v) => {
                  set({ view: v });
                  setWantVerify(false);
                  setFields({});
                  forget();
                }}
                purposes={purposes}
                purpose={usePurpose}
                setPurpose={setPurpose}
                verify={verify}
                verifyOnly={verifyOnly}
                setVerify={(on) => (setWantVerify(on), forget())}
              />
            ) : null}
            {caller && view ? (
              <>
                <KeyField label={keyTitle || view.keyTitle || t("lookup.key")} element={keyElement} raw={raw} set={setRaw} sample={demo.data?.samples[view.id] ?? ""} />
                {verify ? <VerifyFields view={view} keyFields={keys} facts={facts} values={fields} set={(f, v) => setFields((old) => ({ ...old, [f]: v }))} /> : null}
                <Button type="primary" htmlType="submit" block loading={busy} disabled={!ready}>
                  {t(verify ? "lookup.verify" : "lookup.ask")}
                </Button>
                {!cleaned ? <small className="dim">{t("lookup.need.key")}</small> : !enough ? <small className="dim">{t("lookup.need.fields")}</small> : null}
              </>
            ) : null}
            {!apiKey && !demo.loading ? <p className="dim">{t("lookup.noKey")}</p> : null}
          </form>
        </Card>
        <Card className="lookup-answer">
          {round ? (
            <Tabs items={tabs} />
          ) : view ? (
            <div className="stack">
              <Empty title={t("lookup.empty")}>{t("lookup.empty.do")}</Empty>
              <CodeTab view={view.id} valueKey={cleaned} purpose={usePurpose} verify={verify ? filled : null} />
            </div>
          ) : (
            <Empty title={t("lookup.empty")}>{t("lookup.empty.noApp")}</Empty>
          )}
        </Card>
      </div>
    </>
  );
}
