import { expect, test } from "vitest";

import { COMPARED, lookOf, moved, newLook, queryOf, withRun, without } from "./compared";

test("a look goes into the address and back", () => {
  const usual = newLook(["a", "b", "a"]);
  expect(queryOf(usual)).toBe("runs=a,b");
  expect(lookOf(queryOf(usual))).toEqual(usual);
  const look = { ...usual, baseline: "b", part: "metrics" as const, target: "val/loss & more", value: "best" as const, by: ["config.lr", "status"], goals: { "x=1": "min" as const, y: "max" as const } };
  expect(lookOf(queryOf(look))).toEqual(look);
  // What nobody wrote here is as usual.
  expect(lookOf("runs=a,,b&base=c&part=else&value=x")).toEqual(usual);
  expect(lookOf("")).toEqual(newLook([]));
});

test("runs are added, swapped, removed and moved", () => {
  const look = { ...newLook(["a", "b", "c"]), baseline: "b" };
  expect(withRun(look, "d").uids).toEqual(["a", "b", "c", "d"]);
  expect(withRun(look, "a")).toBe(look);
  expect(withRun(look, "d", "b")).toMatchObject({ uids: ["a", "d", "c"], baseline: "d" });
  expect(without(look, "b")).toMatchObject({ uids: ["a", "c"], baseline: null });
  expect(without(look, "c")).toMatchObject({ uids: ["a", "b"], baseline: "b" });
  expect(moved(look, "a", 1).uids).toEqual(["b", "a", "c"]);
  expect(moved(look, "a", -1)).toBe(look);
  expect(moved(newLook(["a", "b"]), "a", 1)).toMatchObject({ uids: ["b", "a"], baseline: "a" });
  expect(newLook(Array.from({ length: 40 }, (_, i) => `r${i}`)).uids).toHaveLength(COMPARED);
});
