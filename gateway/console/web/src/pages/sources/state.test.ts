import { expect, test } from "vitest";
import { rereadOf } from "./state";

test("a trial is offered where there is one", () => {
  expect(rereadOf({ name: "ga-pg", kind: "postgres" })).toEqual({ trial: "yiyuan source resync ga-pg --dry-run", order: "yiyuan source resync ga-pg" });
  expect(rereadOf({ name: "jy-files", kind: "file" })).toEqual({ trial: null, order: "yiyuan source resync jy-files" });
  expect(rereadOf({ name: "mz", kind: "push" })).toBeNull();
});
