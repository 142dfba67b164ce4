import { ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { lazy, useMemo } from "react";
import { createHashRouter, RouterProvider } from "react-router";
import { FlowProvider } from "./api/flow";
import { Crash } from "./components/Crash";
import { Shell } from "./components/Shell";
import { I18nProvider, useI18n } from "./i18n";
import { useNarrow } from "./lib/narrow";
import { antdTheme, useMode } from "./theme";

const Overview = lazy(() => import("./pages/Overview"));
const Catalogue = lazy(() => import("./pages/Catalogue"));
const Dataset = lazy(() => import("./pages/Dataset"));
const Entity = lazy(() => import("./pages/Entity"));
const Lookup = lazy(() => import("./pages/Lookup"));
const Findings = lazy(() => import("./pages/Findings"));
const Sources = lazy(() => import("./pages/Sources"));
const Quarantine = lazy(() => import("./pages/Quarantine"));
const Topology = lazy(() => import("./pages/Topology"));
const Verifications = lazy(() => import("./pages/Verifications"));
const NotFound = lazy(() => import("./pages/NotFound"));

// Hash routes: the gateway serves one static page under whatever prefix, and
// no path of the console can ever collide with one of the API.
const router = createHashRouter([
  {
    path: "/",
    element: <Shell />,
    errorElement: <Crash />,
    children: [
      {
        errorElement: <Crash />,
        children: [
          { index: true, element: <Overview /> },
          { path: "catalogue", element: <Catalogue /> },
          { path: "catalogue/entities/:id", element: <Entity /> },
          { path: "catalogue/:id", element: <Dataset /> },
          { path: "lookup", element: <Lookup /> },
          { path: "findings", element: <Findings /> },
          { path: "verifications", element: <Verifications /> },
          { path: "sources", element: <Sources /> },
          { path: "quarantine", element: <Quarantine /> },
          { path: "topology", element: <Topology /> },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
]);

function Themed() {
  const { lang } = useI18n();
  const mode = useMode();
  const narrow = useNarrow();
  const theme = useMemo(() => antdTheme(mode, narrow), [mode, narrow]);
  return (
    <ConfigProvider theme={theme} locale={lang === "zh" ? zhCN : enUS} button={{ autoInsertSpace: false }}>
      <FlowProvider>
        <RouterProvider router={router} />
      </FlowProvider>
    </ConfigProvider>
  );
}

export function App() {
  return (
    <I18nProvider>
      <Themed />
    </I18nProvider>
  );
}
