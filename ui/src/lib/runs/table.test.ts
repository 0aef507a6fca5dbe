import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { FakeEngine } from "../../../tests/fake/engine";
import { aRun, FakeRuns } from "../../../tests/fake/runs";
import { App } from "../state/app.svelte";
import { RunTable } from "./table.svelte";

let engine: FakeEngine;
let runs: FakeRuns;
let app: App;
let table: RunTable;
let stop: () => void;

beforeEach(async () => {
  window.localStorage.clear();
  window.location.hash = "#/runs";
  engine = new FakeEngine();
  const many = Array.from({ length: 250 }, (_, i) => aRun(`run${String(i).padStart(4, "0")}`, { name: `run ${i}`, started: 1_000_000 - i, tags: i % 2 === 0 ? ["even"] : [] }, { lr: i % 5, same: 1 }, { loss: [3, 2, 1 + i] }));
  runs = new FakeRuns(engine, many);
  app = new App(engine);
  await app.start();
  table = new RunTable(app);
  stop = table.follow();
  table.near(0, 40);
  await vi.waitFor(() => expect(table.shown).toContain("metrics.loss.min"));
  await vi.waitFor(() => expect(table.list.total).toBe(250));
});
afterEach(() => {
  stop();
  app.stop();
});

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => {
  const line = table.lineAt(from + i);
  return line?.kind === "run" ? line.run.name : line?.kind;
});

test("only what is near the screen is read, the rest as it is seen", async () => {
  expect(names(0, 2)).toEqual(["run 0", "run 1"]);
  expect(table.lineAt(240)?.kind).toBe("missing");
  table.near(230, 250);
  await vi.waitFor(() => expect(names(249, 250)).toEqual(["run 249"]));
});

test("another order and another query keep the rows until there is an answer", async () => {
  table.set({ sort: [{ column: "metrics.loss.last", descending: true }] });
  expect(names(0, 1), "nothing flickers").toEqual(["run 0"]);
  await vi.waitFor(() => expect(names(0, 1)).toEqual(["run 249"]));
  table.set({ query: "config.lr = 3" });
  await vi.waitFor(() => expect([table.list.total, table.list.all]).toEqual([50, 250]));
  expect(table.known.get("config.same")?.constant).toBe(true);
});

test("runs are selected one by one, and in a range also those that were never in sight", async () => {
  table.go(2, false);
  const run = table.get("run0005");
  if (run === undefined) throw new Error("it is loaded");
  table.toggleSelected(run);
  expect([table.size, table.current]).toEqual([1, "run0005"]);
  table.go(220, false);
  await table.range(3, 222);
  expect([table.size, table.selected.at(-1)?.name]).toEqual([220, "run 222"]);
  await table.all();
  expect(table.size).toBe(250);
  table.clear();
  expect(table.size).toBe(0);
});

test("a run that changes is read again where it stands, and the selection stays", async () => {
  const run = table.get("run0001");
  if (run === undefined) throw new Error("it is loaded");
  table.toggleSelected(run);
  const asked = engine.count("runs.list");
  runs.get("run0001").row.notes = "grew";
  runs.tell(["run0001", "run0200"]);
  await vi.waitFor(() => expect(table.get("run0001")?.notes).toBe("grew"));
  expect(engine.last("runs.rows")?.uids, "what is not in sight is not read").toEqual(["run0001"]);
  expect([table.isSelected("run0001"), table.selected[0]?.notes, engine.count("runs.list")]).toEqual([true, "grew", asked]);
});

test("runs that come are listed, and what is current stays current", async () => {
  table.go(4, false);
  runs.runs = [aRun("fresh", { name: "fresh", started: 2_000_000 }), ...runs.runs];
  runs.tell(["fresh"], true);
  await vi.waitFor(() => expect(names(0, 2)).toEqual(["fresh", "run 0"]));
  expect([table.current, table.placeOf("run0004")]).toEqual(["run0004", 5]);
});

test("groups have a line each, and open to their own rows", async () => {
  table.set({ group: ["config.lr"] });
  await vi.waitFor(() => expect(table.length).toBe(5));
  const first = table.lineAt(0);
  if (first?.kind !== "group") throw new Error("it is a group");
  expect([first.group.count, first.group.values]).toEqual([50, [0]]);
  table.toggle(first.group);
  table.near(0, 40);
  expect(table.length, "as many as the group says, until they are known").toBe(55);
  await vi.waitFor(() => expect(names(1, 3)).toEqual(["run 0", "run 5"]));
  await table.selectGroup(first.group);
  expect([table.size, table.selected.every((it) => Number(it.name.slice(4)) % 5 === 0)]).toEqual([50, true]);
  table.toggle(first.group, false);
  expect(table.length).toBe(5);
});

test("a view is saved, changed, opened again and removed", async () => {
  table.set({ query: "tag:even", columns: ["name", "status", "config.lr"], pinned: ["status"], sort: [{ column: "name", descending: false }] });
  expect(await table.saveView("even ones")).toBe(true);
  expect([table.view, table.viewChanged]).toEqual(["even ones", false]);
  table.set({ query: "" });
  expect(table.viewChanged).toBe(true);
  const [view] = table.views;
  if (view === undefined) throw new Error("it was saved");
  table.openView(view);
  expect([table.look.query, table.look.pinned, table.viewChanged]).toEqual(["tag:even", ["status"], false]);
  await table.deleteView(view);
  expect([table.view, table.views]).toEqual([null, []]);
});

test("columns come beside their kind, and how the table is looked at is kept", () => {
  table.set({ columns: ["name", "status", "metrics.loss.min", "config.lr", "tags", "started"] });
  table.toggleColumn("metrics.loss.max", true);
  table.toggleColumn("config.same", true);
  expect(table.look.columns).toEqual(["name", "status", "metrics.loss.min", "metrics.loss.max", "config.lr", "config.same", "tags", "started"]);
  table.set({ hideConstant: true });
  expect(table.shown).not.toContain("config.same");
  table.moveColumn("tags", -1);
  table.pin("tags");
  table.resize("tags", 5_000);
  const kept = new RunTable(app).look;
  expect([kept.columns, kept.pinned, kept.widths["tags"], kept.hideConstant]).toEqual([table.look.columns, ["tags"], 800, true]);
});
