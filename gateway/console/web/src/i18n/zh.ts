// 中文为先：键的全集在此，英文须逐键对应。
import { pages } from "./zh/pages";
import { shell } from "./zh/shell";

export const zh = { ...shell, ...pages } as const;

export type Key = keyof typeof zh;
