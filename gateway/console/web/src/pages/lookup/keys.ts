import { stored } from "../../lib/store";

/** Which key the bench asks with: an application of the demonstration, the console's own, one that was entered. Kept for this tab only. */
export const benchChoice = stored("session", "yiyuan.bench.as", () => "");

/** The key that was entered. Kept for this tab only. */
export const benchKey = stored("session", "yiyuan.bench.key", () => "");

export const entered = "\u0000entered";
export const ofConsole = "\u0000console";
