import { expect, test } from "vitest";

import type { RunColumn } from "../bindings";
import { chosenFor, columnOf, GUTTER, headOf, isNumber, moved, placed, sorted, widthOf } from "./columns";

const column = (id: string, more: Partial<RunColumn> = {}): RunColumn => ({ id, kind: id.startsWith("config.") ? "config" : id.startsWith("metrics.") ? "metric" : "field", label: id, runs: 10, constant: false, numeric: true, goal: null, ...more });
const known = new Map([column("config.lr"), column("config.name", { numeric: false })].map((it) => [it.id, it]));

test("an id says what a column is of; a metric's last word is a number of it only if it is one", () => {
  expect(columnOf("metrics.val/acc.max")).toEqual({ kind: "metric", id: "metrics.val/acc.max", key: "val/acc", stat: "max" });
  expect(columnOf("metrics.top.5")).toMatchObject({ key: "top.5", stat: "last" });
  expect(columnOf("config.optim.lr")).toEqual({ kind: "config", id: "config.optim.lr", key: "optim.lr" });
  expect(columnOf("spark.val/acc")).toMatchObject({ kind: "spark", key: "val/acc" });
  expect([headOf("metrics.val/acc.max_step"), headOf("metrics.loss.last"), headOf("name")]).toEqual([{ label: "val/acc", detail: "step of max" }, { label: "loss", detail: "" }, { label: "Run", detail: "" }]);
  expect(["metrics.a.min", "config.lr", "config.name", "started", "tags"].map((id) => isNumber(id, known))).toEqual([true, true, false, true, false]);
});

test("the name comes first, then what is pinned, each at its distance from the edge", () => {
  const of = placed(["name", "status", "config.lr", "tags"], { pinned: ["tags"], widths: { name: 200, status: 90, "config.lr": 80, tags: 100 }, known, room: 2_000 });
  expect(of.map((it) => [it.id, it.left, it.width, it.pinned])).toEqual([
    ["name", GUTTER, 200, true],
    ["tags", GUTTER + 200, 100, true],
    ["status", GUTTER + 300, 90, false],
    ["config.lr", GUTTER + 390, 80, false],
  ]);
});

test("room that is left goes to the name, and in a narrow window it leaves room to others", () => {
  const name = (room: number) => placed(["name", "status"], { pinned: [], widths: {}, known, room })[0]?.width ?? 0;
  const usual = widthOf("name", false);
  expect(name(200)).toBeLessThan(usual);
  const others = GUTTER + widthOf("status", false);
  expect([name(2_000), placed(["name", ...Array.from({ length: 8 }, (_, i) => `config.${i}`)], { pinned: [], widths: {}, known, room: GUTTER + usual + 8 * 96 - 20 })[0]?.width], "a little that is missing").toEqual([usual + 220, usual - 20]);
  expect([name(3_000), name(720)]).toEqual([usual + 220, Math.min(usual + 220, 720 - others)]);
});

test("a click on a head sorts, turns the order and takes it back; with shift it is a further key", () => {
  const up = { column: "lr", descending: false };
  const down = { column: "lr", descending: true };
  const by = { column: "started", descending: true };
  expect(sorted([by], "lr", false, true)).toEqual([down]);
  expect(sorted([down], "lr", false, true)).toEqual([up]);
  expect(sorted([up], "lr", false, true)).toEqual([]);
  expect(sorted([by], "lr", true, false)).toEqual([by, up]);
  expect(sorted([by, up], "lr", true, false)).toEqual([by, down]);
  expect(sorted([by, down], "lr", true, false)).toEqual([by]);
  const four = ["a", "b", "c", "d"].map((id) => ({ column: id, descending: false }));
  expect(sorted(four, "lr", true, false).map((it) => it.column), "four at most").toEqual(["a", "b", "c", "lr"]);
});

test("a column is moved among the others", () => {
  expect(moved(["a", "b", "c"], "c", 0)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], "a", 9)).toEqual(["b", "c", "a"]);
});

test("at first what tells runs apart is shown: metrics with a goal, and settings that differ", () => {
  const all = [column("config.same", { constant: true }), column("config.lr"), column("metrics.step.last"), column("metrics.lr.last"), column("metrics.grad norm.last"), column("metrics.val/acc.last", { goal: "max", runs: 4 }), column("metrics.loss.last", { goal: "min", runs: 9 })];
  expect(chosenFor(all)).toEqual(["name", "status", "metrics.loss.min", "metrics.val/acc.max", "metrics.grad norm.last", "spark.loss", "config.lr", "tags", "duration", "started"]);
});
