import { InfoCircleFilled } from "@ant-design/icons";
import { Button, Input, Segmented, Select, Tabs } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError, request } from "../api/client";
import { useApi } from "../api/hooks";
import { list, type Me, pathOf } from "../api/types";
import { Card, PageHead } from "../components/Page";
import { Empty, ErrorBox, Waiting } from "../components/State";
import { useI18n } from "../i18n";
import { useFilters } from "../lib/filters";
import { day } from "../lib/format";
import { cleanKey, hint } from "../lib/keys";
import { isExplain, isVerifyOnly } from "../lib/views";
import { ask } from "./lookup/ask";
import { CodeTab } from "./lookup/CodeTab";
import { Explain } from "./lookup/Explain";
import { appTitle, type Caller, callerOf, type Round } from "./lookup/model";
import { Result } from "./lookup/Result";
import { Trace } from "./lookup/Trace";
import { useFields } from "./lookup/useFields";

const pasted = "\u0000pasted";

/** Who asks: the application behind a key. */
function useCaller(apiKey: string): { caller: Caller | null; error: ApiError | null; busy: boolean } {
  const [state, setState] = useState<{ key: string; caller: Caller | null; error: ApiError | null }>({ key: "", caller: null, error: null });
  useEffect(() => {
    if (!apiKey) return;
    const abort = new AbortController();
    // Typing a key is not asking with each of its beginnings.
    const timer = setTimeout(() => {
      request<Me>("v1/me", { key: apiKey, signal: abort.signal }).then(
        (a) => setState({ key: apiKey, caller: callerOf(a.data), error: null }),
        (e: unknown) => {
          if (e instanceof ApiError) setState({ key: apiKey, caller: null, error: e });
        },
      );
    }, 250);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [apiKey]);
  if (!apiKey) return { caller: null, error: null, busy: false };
  return state.key === apiKey ? { ...state, busy: false } : { caller: null, error: null, busy: true };
}

export default function Lookup() {
  const { t, name } = useI18n();
  const { get, set } = useFilters();
  const demo = useApi(pathOf("/v1/console/apps"));
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const apps = useMemo(() => list(demo.data?.apps), [demo.data]);
  const departments = useMemo(() => new Map(list(catalogue.data?.departments).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);

  const datasets = useMemo(() => new Map(list(catalogue.data?.datasets).map((d) => [d.id, name(d.title, d.english)])), [catalogue.data, name]);

  const [appId, setAppId] = useState("");
  const [ownKey, setOwnKey] = useState("");
  const [purpose, setPurpose] = useState("");
  const [raw, setRaw] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});
  const [wantVerify, setWantVerify] = useState(false);
  const [round, setRound] = useState<Round | null>(null);
  const [busy, setBusy] = useState(false);
  const asking = useRef<AbortController | null>(null);
  const wantedView = get("view");

  // In a demo the first application that may see the wanted view is taken.
  const chosen = appId || (apps.length > 0 ? (apps.find((a) => a.views.includes(wantedView)) ?? apps[0]!).id : pasted);
  const apiKey = chosen === pasted ? ownKey.replace(/\s+/g, "") : (apps.find((a) => a.id === chosen)?.key ?? "");
  const { caller, error: callerError, busy: calling } = useCaller(apiKey);

  const views = (caller?.views ?? []).filter((v) => !isExplain(v));
  const view = views.find((v) => v.id === wantedView) ?? views[0];
  const verifyOnly = view ? isVerifyOnly(view) : false;
  const verify = verifyOnly || wantVerify;
  const mine = view?.purposes ?? [];
  const purposes = (caller?.purposes ?? []).filter((p) => mine.length === 0 || mine.includes(p.id));
  const usePurpose = purposes.some((p) => p.id === purpose) ? purpose : (purposes[0]?.id ?? "");
  const { facts, key: keyFields, keyTitle, keyElement } = useFields(view?.id ?? "");
  const cleaned = cleanKey(raw);
  const said = hint(cleaned.key, keyElement || undefined);
  const filled = Object.fromEntries(Object.entries(fields).filter(([k, v]) => v.trim() !== "" && view?.fields.some((f) => f.name === k)));
  const sample = demo.data?.samples[view?.id ?? ""] ?? "";
  const ready = view !== undefined && usePurpose !== "" && cleaned.key !== "" && (!verify || Object.keys(filled).length >= 2);
  const missing = !view ? null : !cleaned.key ? t("lookup.need.key") : verify && Object.keys(filled).length < 2 ? t("lookup.need.fields") : null;

  useEffect(() => () => asking.current?.abort(), []);
  const forgetRound = () => {
    asking.current?.abort();
    setRound(null);
    setBusy(false);
  };

  const submit = async () => {
    if (!view || !ready) return;
    asking.current?.abort();
    const abort = new AbortController();
    asking.current = abort;
    setBusy(true);
    const came = await ask({ view, purpose: usePurpose, key: cleaned.key, apiKey, verify: verify ? filled : null }, abort.signal);
    if (abort.signal.aborted) return;
    setRound(came);
    setBusy(false);
  };

  const changed = cleaned.spaces + cleaned.wide + cleaned.dashes > 0 || cleaned.upper;
  const label = keyTitle || view?.keyTitle || t("lookup.key");
  const tabs = round
    ? [
        { key: "result", label: t("lookup.tab.result"), children: <Result round={round} facts={facts} datasets={datasets} retry={() => void submit()} /> },
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
              void submit();
            }}
          >
            <label className="field">
              <span>{t("lookup.app")}</span>
              {demo.loading ? (
                <Waiting rows={1} />
              ) : (
                <Select
                  value={chosen}
                  onChange={(v) => {
                    setAppId(v);
                    forgetRound();
                  }}
                  options={[...apps.map((a) => ({ value: a.id, label: appTitle(a, departments.get(a.department) ?? a.department) })), { value: pasted, label: t("lookup.ownKey") }]}
                />
              )}
            </label>
            {chosen === pasted && !demo.loading ? (
              <label className="field">
                <span>{t("lookup.apiKey")}</span>
                <Input.Password value={ownKey} autoComplete="off" onChange={(e) => setOwnKey(e.target.value)} placeholder={t("key.placeholder")} />
                <small className="dim">{t("lookup.apiKey.help")}</small>
              </label>
            ) : null}
            {callerError ? <ErrorBox error={callerError} compact /> : null}
            {calling ? <Waiting rows={3} /> : null}
            {caller ? (
              <>
                <p className="dim caller">{t("lookup.as", { app: caller.title, department: departments.get(caller.department) ?? caller.departmentTitle })}</p>
                <label className="field">
                  <span>{t("lookup.view")}</span>
                  <Select
                    showSearch
                    value={view?.id}
                    placeholder={t("lookup.view")}
                    onChange={(v) => {
                      set({ view: v });
                      setWantVerify(false);
                      setFields({});
                      forgetRound();
                    }}
                    options={views.map((v) => ({ value: v.id, label: v.title ? `${v.id} ${v.title}` : v.id }))}
                  />
                  {view ? (
                    <small className="dim">
                      {view.quota > 0 ? t("lookup.quota", { n: view.quota }) : t("lookup.noQuota")}
                      {" · "}
                      {day(view.until) ? t("lookup.until", { date: day(view.until) ?? "" }) : t("lookup.noUntil")}
                    </small>
                  ) : null}
                  {wantedView && view && view.id !== wantedView ? <small className="tone-warn">{t("lookup.notGranted", { view: wantedView })}</small> : null}
                </label>
                <label className="field">
                  <span>{t("lookup.purpose")}</span>
                  <Select
                    value={usePurpose || undefined}
                    onChange={setPurpose}
                    placeholder={t("lookup.purpose")}
                    options={purposes.map((p) => {
                      const title = name(p.title, p.english);
                      return { value: p.id, label: title ? `${p.id} ${title}` : p.id };
                    })}
                  />
                </label>
                {views.length === 0 ? <Empty title={t("lookup.noViews")}>{t("lookup.noViews.do")}</Empty> : null}
                {view ? (
                  <>
                    <div className="field">
                      <span>{t("lookup.mode")}</span>
                      <Segmented
                        value={verify ? "verify" : "lookup"}
                        onChange={(v) => {
                          setWantVerify(v === "verify");
                          forgetRound();
                        }}
                        options={[
                          { value: "lookup", label: t("lookup.mode.lookup"), disabled: verifyOnly },
                          { value: "verify", label: t("lookup.mode.verify") },
                        ]}
                      />
                      {verifyOnly ? <small className="dim">{t("lookup.verifyOnly")}</small> : null}
                    </div>
                    <label className="field">
                      <span>{label}</span>
                      <Input
                        data-search=""
                        value={raw}
                        allowClear
                        autoComplete="off"
                        spellCheck={false}
                        className="mono"
                        placeholder={t("lookup.key.placeholder", { key: label })}
                        onChange={(e) => setRaw(e.target.value)}
                        status={said === "citizenCheck" || said === "usccCheck" || said === "length" ? "warning" : undefined}
                      />
                      {changed && cleaned.key ? (
                        <small className="dim">
                          {t("lookup.cleaned")} <code>{cleaned.key}</code>
                        </small>
                      ) : null}
                      {said && said !== "ok" ? <small className="tone-warn">{t(`lookup.hint.${said}`)}</small> : null}
                      {sample ? (
                        <small>
                          {t("lookup.samples")}{" "}
                          <button type="button" className="linkish mono" onClick={() => setRaw(sample)}>
                            {sample}
                          </button>
                        </small>
                      ) : null}
                    </label>
                    {verify ? (
                      <fieldset className="verify-fields">
                        <legend>{t("lookup.fields")}</legend>
                        {view.fields.filter((f) => f.kind !== "rows" && !keyFields.split("|").includes(f.name)).map((f) => (
                          <label key={f.name} className="field">
                            <span>
                              {facts.get(f.name)?.title || f.title || f.name} <code className="dim">{f.name}</code>
                            </span>
                            <Input value={fields[f.name] ?? ""} autoComplete="off" onChange={(e) => setFields((old) => ({ ...old, [f.name]: e.target.value }))} />
                          </label>
                        ))}
                      </fieldset>
                    ) : null}
                    <Button type="primary" htmlType="submit" block loading={busy} disabled={!ready}>
                      {t(verify ? "lookup.verify" : "lookup.ask")}
                    </Button>
                    {missing ? <small className="dim">{missing}</small> : null}
                  </>
                ) : null}
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
              <CodeTab view={view.id} valueKey={cleaned.key} purpose={usePurpose} verify={verify ? filled : null} />
            </div>
          ) : (
            <Empty title={t("lookup.empty")}>{t("lookup.empty.noApp")}</Empty>
          )}
        </Card>
      </div>
    </>
  );
}
