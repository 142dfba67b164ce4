// 中文为先：键的全集在此，英文须逐键对应。
import { lists } from "./zh/lists";
import { pages } from "./zh/pages";
import { shell } from "./zh/shell";

export const zh = { ...shell, ...lists, ...pages } as const;

export type Key = keyof typeof zh;
