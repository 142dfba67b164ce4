import { stored } from "../lib/store";

/** The purpose under which the console reads what is under supervision. */
export const SUPERVISE = "SUPERVISE";

/** The key the console reads its own pages with; empty where the gateway keeps the console open. Kept for this tab only. */
export const consoleKey = stored("session", "yiyuan.console.key", () => "");
