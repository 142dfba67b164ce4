import { lists } from "./en/lists";
import { pages } from "./en/pages";
import { shell } from "./en/shell";
import type { Key } from "./zh";

export const en: Record<Key, string> = { ...shell, ...lists, ...pages };
