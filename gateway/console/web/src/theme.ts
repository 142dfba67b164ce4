import { theme as antd, type ThemeConfig } from "antd";
import { useEffect, useSyncExternalStore } from "react";
import { stored } from "./lib/store";

export type Mode = "light" | "dark";

/** "", "light" or "dark"; empty follows the system. */
export const modeStore = stored("local", "yiyuan.theme", () => "");

const media = () => (typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)"));

function useSystemDark(): boolean {
  return useSyncExternalStore(
    (l) => {
      const m = media();
      m?.addEventListener("change", l);
      return () => m?.removeEventListener("change", l);
    },
    () => media()?.matches ?? false,
    () => false,
  );
}

export function useMode(): Mode {
  const chosen = modeStore.use();
  const dark = useSystemDark();
  const mode: Mode = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
  useEffect(() => {
    document.documentElement.dataset.theme = mode;
  }, [mode]);
  return mode;
}

export const fonts = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",system-ui,sans-serif';

/** The colours and sizes of the component library: on a phone every control is a finger high. */
export function antdTheme(mode: Mode, narrow: boolean): ThemeConfig {
  const dark = mode === "dark";
  return {
    algorithm: dark ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      colorPrimary: dark ? "#5b9bf0" : "#17559e",
      colorInfo: dark ? "#5b9bf0" : "#17559e",
      colorSuccess: dark ? "#4dbb7a" : "#17753f",
      colorWarning: dark ? "#e0a33b" : "#a86200",
      colorError: dark ? "#ef7668" : "#bb3127",
      colorLink: dark ? "#7db2f5" : "#17559e",
      colorBgLayout: dark ? "#0d131c" : "#f2f4f7",
      colorBgContainer: dark ? "#161f2b" : "#ffffff",
      colorBgElevated: dark ? "#1c2735" : "#ffffff",
      colorBorderSecondary: dark ? "#263242" : "#e4e8ee",
      colorTextBase: dark ? "#e6ebf2" : "#1a2432",
      colorTextDescription: dark ? "#9dabbd" : "#5a6778",
      colorTextPlaceholder: dark ? "#8493a6" : "#616d7c",
      borderRadius: 6,
      fontFamily: fonts,
      fontSize: 14,
      ...(narrow ? { controlHeight: 44, controlHeightSM: 44, fontSize: 15 } : {}),
    },
    components: {
      Button: { primaryColor: dark ? "#08111f" : "#ffffff" },
      Table: { headerBg: dark ? "#1a2431" : "#f6f8fa", cellPaddingBlockMD: 9, cellPaddingInlineMD: 10 },
      ...(narrow ? { Segmented: { trackPadding: 0 } } : {}),
      Tabs: { horizontalMargin: "0 0 12px 0" },
    },
  };
}
