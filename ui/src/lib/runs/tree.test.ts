import { expect, test } from "vitest";

import { linesOf, rawOf, treeOf } from "./tree";
import { durationOf, setting, shown } from "./values";
import { aRun } from "../../../tests/fake/runs";

const SETTINGS = [
  { key: "model.name", value: "vit" },
  { key: "optim.lr", value: 3e-4 },
  { key: "optim.betas.0", value: 0.9 },
  { key: "optim.betas.1", value: 0.999 },
  { key: "seed", value: 1 },
];

test("names joined by points are a tree; what has one child stands in one line", () => {
  const lines = (closed: string[] = [], text = "") => linesOf(treeOf(SETTINGS), new Set(closed), text).map((it) => `${" ".repeat(it.depth)}${it.branch.name}${it.branch.value === null ? "" : `=${it.branch.value}`}`);
  expect(lines()).toEqual(["model.name=vit", "optim", " lr=3e-4", " betas", "  0=0.9", "  1=0.999", "seed=1"]);
  expect(lines(["optim.betas"])).toEqual(["model.name=vit", "optim", " lr=3e-4", " betas", "seed=1"]);
  expect(lines(["optim"], "0.999"), "what is found is open, whatever was closed").toEqual(["optim", " betas", "  1=0.999"]);
  expect(rawOf(SETTINGS.slice(0, 2))).toBe("model.name: vit\noptim.lr: 3e-4");
});

test("a name may be a value and a branch at once", () => {
  const tree = treeOf([{ key: "lr", value: 1 }, { key: "lr.decay", value: 0.5 }]);
  expect(tree).toMatchObject([{ name: "lr", value: "1", children: [{ name: "decay", value: "0.5" }] }]);
});

test("settings are written as people write them", () => {
  expect([3e-4, 0.001, 1e-9, 256, 1e8, 0.1 + 0.2, true, null, "adam"].map(setting)).toEqual(["3e-4", "0.001", "1e-9", "256", "1e8", "0.3", "true", "null", "adam"]);
});

test("cells say NaN and infinity, and nothing where there is nothing", () => {
  const { row } = aRun("r1", { started: 1_000, finished: null, status: "running", changed: 5_000 });
  const run = { ...row, cells: [] };
  const cell = (value: string | number | null) => shown(run, "metrics.loss.last", value, 61_000).text;
  expect([cell("NaN"), cell("-Infinity"), cell(0.12345), cell(null)]).toEqual(["NaN", "−∞", "0.1235", ""]);
  expect(shown(run, "duration", undefined, 61_000).text).toBe("1:00");
  expect([durationOf(run, 61_000), durationOf({ ...run, status: "stale" }, 61_000), durationOf({ ...run, started: null }, 61_000)]).toEqual([60_000, 4_000, null]);
});
