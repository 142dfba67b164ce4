/** "t1.onjy4uismgrz…" -> "onjy4u": 30 bits, enough to tell a list's subjects apart; it says nothing of who they are. */
export const subjectTag = (token: string): string => token.slice(token.indexOf(".") + 1).slice(0, 6);
