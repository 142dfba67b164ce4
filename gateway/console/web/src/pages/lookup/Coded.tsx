import { Value } from "../../components/Show";
import type { FieldFacts } from "./useFields";

/** A value, with its word if it is one of a code set: "已婚 20". */
export function Coded({ v, facts }: { v: unknown; facts?: FieldFacts }) {
  if (typeof v === "string" && facts?.codes.has(v))
    return (
      <>
        {facts.codes.get(v)} <code className="dim">{v}</code>
      </>
    );
  return <Value v={v} />;
}
