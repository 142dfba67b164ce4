import { Button, Input, Select } from "antd";
import { useState } from "react";
import type { ApiError } from "../../api/client";
import type { DemoApp } from "../../api/types";
import { ErrorBox, Waiting } from "../../components/State";
import { useI18n } from "../../i18n";
import { entered, ofConsole } from "./keys";
import { appTitle, type Caller } from "./model";

/** Who asks: an application of the demonstration, the console's own key, or a key that is entered; and whose it is. */
export function AskerPart({ apps, chosen, choose, hasConsoleKey, ownKey, setOwnKey, caller, error, busy, departments }: {
  apps: DemoApp[];
  chosen: string;
  choose: (id: string) => void;
  hasConsoleKey: boolean;
  ownKey: string;
  setOwnKey: (key: string) => void;
  caller: Caller | null;
  error: ApiError | null;
  busy: boolean;
  departments: Map<string, string>;
}) {
  const { t } = useI18n();
  const [typed, setTyped] = useState("");
  const use = () => setOwnKey(typed.replace(/\s+/g, ""));
  return (
    <>
      <label className="field">
        <span>{t("lookup.app")}</span>
        <Select
          value={chosen}
          onChange={choose}
          options={[
            ...apps.map((a) => ({ value: a.id, label: appTitle(a, departments.get(a.department) ?? a.department) })),
            ...(hasConsoleKey ? [{ value: ofConsole, label: t("lookup.consoleKey") }] : []),
            { value: entered, label: t("lookup.ownKey") },
          ]}
        />
      </label>
      {chosen === entered && !ownKey ? (
        <div className="field">
          <label htmlFor="bench-key">{t("lookup.apiKey")}</label>
          <div className="joined">
            <Input.Password id="bench-key" value={typed} autoComplete="off" onChange={(e) => setTyped(e.target.value)} onPressEnter={(e) => (e.preventDefault(), use())} placeholder={t("key.placeholder")} />
            <Button type="primary" disabled={!typed.trim()} onClick={use}>
              {t("lookup.apiKey.use")}
            </Button>
          </div>
          <small className="dim">{t("lookup.apiKey.help")}</small>
        </div>
      ) : null}
      {error ? <ErrorBox error={error} compact /> : null}
      {busy ? <Waiting rows={3} /> : null}
      {caller ? (
        <p className="dim caller" data-caller={caller.id}>
          {t("lookup.as", { app: caller.title, department: departments.get(caller.department) ?? caller.departmentTitle })}
        </p>
      ) : null}
      {chosen === entered && ownKey ? (
        <p className="kept">
          <span className="dim">{t("lookup.apiKey.kept")}</span>{" "}
          <button type="button" className="linkish" onClick={() => (setTyped(""), setOwnKey(""))}>
            {t("lookup.apiKey.forget")}
          </button>
        </p>
      ) : null}
    </>
  );
}
