// Menu on the left, bar on top, the page in the middle.

import { MenuFoldOutlined, MenuUnfoldOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import { Suspense, useEffect, useRef, useState } from "react";
import { NavLink, Outlet, useLocation } from "react-router";
import { type Loaded, refusal, useApi } from "../api/hooks";
import { type Catalogue, pathOf } from "../api/types";
import { useI18n } from "../i18n";
import { stored } from "../lib/store";
import { nav } from "../nav";
import { Away } from "./Away";
import { Bar } from "./Bar";
import { KeyDialog } from "./KeyDialog";
import { Card, PageHead } from "./Page";
import { Seal } from "./Seal";
import { ErrorBox, Waiting } from "./State";

const foldStore = stored("local", "yiyuan.menu", () => "");

/** One question for a key instead of a refusal in every corner of the page. */
function Gate({ of }: { of: Loaded<Catalogue> }) {
  const { t } = useI18n();
  return (
    <>
      <PageHead title={t("key.title")} lead={t("key.why")} />
      <Card>
        <ErrorBox error={of.error!} retry={of.reload} />
      </Card>
    </>
  );
}

export function Shell() {
  const { t, name } = useI18n();
  const folded = foldStore.use() === "folded";
  const [menu, setMenu] = useState(false);
  const at = useLocation();
  const main = useRef<HTMLElement>(null);
  const catalogue = useApi(pathOf("/v1/catalogue"));
  const city = catalogue.data?.city;
  const cityName = name(city?.name, city?.english);
  // The bench asks with its own key; all else needs the console's.
  const locked = refusal(catalogue.error) && at.pathname !== "/lookup";
  const item = nav.flatMap((g) => g.items).find((i) => (i.path === "/" ? at.pathname === "/" : at.pathname.startsWith(i.path)));
  useEffect(() => {
    document.title = `${item ? t(item.label) + " · " : ""}${t("app.name")}`;
  }, [item, t]);
  useEffect(() => {
    scrollTo(0, 0);
    setMenu(false);
  }, [at.pathname]);
  useEffect(() => {
    if (!menu) return;
    const on = (e: KeyboardEvent) => e.key === "Escape" && setMenu(false);
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, [menu]);
  return (
    <div className={folded ? "shell shell-folded" : "shell"}>
      <a className="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t("app.skip")}
      </a>
      {menu ? <button type="button" className="shade" aria-label={t("app.menu.close")} onClick={() => setMenu(false)} /> : null}
      <aside className={menu ? "side side-open" : "side"} id="menu">
        <div className="brand">
          <Seal />
          <div className="brand-text">
            <b>{t("app.short")}</b>
            <span>{cityName || t("app.long")}</span>
          </div>
        </div>
        <nav aria-label={t("app.menu")}>
          {nav.map((g) => (
            <div key={g.label} className="nav-group">
              <div className="nav-label">{t(g.label)}</div>
              {g.items.map((i) => (
                <Tooltip key={i.path} placement="right" title={folded ? t(i.label) : ""}>
                  <NavLink to={i.path} end={i.path === "/"} className="nav-item">
                    <span aria-hidden="true">{i.icon}</span>
                    <span className="nav-text">{t(i.label)}</span>
                  </NavLink>
                </Tooltip>
              ))}
            </div>
          ))}
        </nav>
        <button type="button" className="fold" onClick={() => foldStore.set(folded ? "" : "folded")} aria-label={t(folded ? "app.unfold" : "app.fold")}>
          {folded ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
          <span className="nav-text">{t("app.fold")}</span>
        </button>
      </aside>
      <div className="stage">
        <Bar locked={refusal(catalogue.error)} menu={menu} toggleMenu={() => setMenu(!menu)} />
        <main id="main" ref={main} tabIndex={-1}>
          <Away />
          <Suspense fallback={<Waiting rows={8} />}>
            {locked ? <Gate of={catalogue} /> : <Outlet />}
          </Suspense>
        </main>
      </div>
      <KeyDialog />
    </div>
  );
}
