import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeEngine } from "../../../tests/fake/engine";
import { anExperiment } from "../../../tests/fake/make";
import { allowed, run, sayOutcomes, setGroup, setPriority } from "./acts";
import { App } from "./app.svelte";
import { Experiments } from "./experiments.svelte";
import { groupKey, Table } from "./table.svelte";

let engine: FakeEngine;
let app: App;
let list: Experiments;
let table: Table;
let stops: (() => void)[];
const settle = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);

async function begin(prepare: (engine: FakeEngine) => void, query: object = {}) {
  engine = new FakeEngine();
  prepare(engine);
  app = new App(engine);
  await app.start();
  list = new Experiments(app, query);
  table = new Table(app, list);
  stops = [list.follow(), app.groups.follow()];
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers();
  window.location.hash = "#/queue";
});
afterEach(() => {
  for (const stop of stops) stop();
  table.dispose();
  app.stop();
  vi.useRealTimers();
});

const waiting = (count: number) => Array.from({ length: count }, (_, i) => anExperiment(`w${i + 1}`));
const order = () => engine.section("waiting").map((it) => it.uid).join(" ");
const shown = () => Array.from({ length: list.count("waiting") }, (_, i) => list.at("waiting", i)?.uid ?? "?").join(" ");
const selected = () => table.selected.map((it) => it.uid).join(" ");
const toast = () => app.toasts.list.at(-1);

test("arrows move over heads and groups, and with Shift they select", async () => {
  await begin((it) => it.add(anExperiment("r1", "running"), anExperiment("g1", "running", { group: "g" }), ...waiting(3)), { ungrouped: true });
  const keys: (string | null)[] = [];
  for (let i = 0; i < 6; i += 1) {
    table.go(table.next(1), false);
    keys.push(table.current);
  }
  expect(keys).toEqual([groupKey("g"), "r1", "w1", "w2", "w3", "w3"]);
  table.go(table.next(-1), true);
  table.go(table.next(-1), true);
  expect(selected()).toBe("w1 w2 w3");
  table.go(table.next(1), true);
  expect(selected()).toBe("w2 w3");
  table.go(table.next(-1), false);
  expect(selected()).toBe("");
});

test("a click, with Ctrl and with Shift", async () => {
  await begin((it) => it.add(...waiting(5)));
  const click = (uid: string, how: object = {}) => table.click(engine.get(uid), { shift: false, toggle: false, ...how });
  expect(click("w2")).toBe(true);
  expect(click("w4", { toggle: true })).toBe(false);
  expect(selected()).toBe("w2 w4");
  click("w2", { toggle: true });
  expect(selected()).toBe("w4");
  click("w4");
  click("w1", { shift: true });
  expect(selected()).toBe("w1 w2 w3 w4");
});

test("what is selected stays so when its row is let go, and is kept current", async () => {
  await begin((it) => it.add(...Array.from({ length: 3_000 }, (_, i) => anExperiment(`f${i}`, "completed", { completed_at: 1_000_000 - i }))));
  await table.all();
  expect(table.size).toBe(3_000);
  expect(engine.asked.filter((it) => it.method === "experiments.list").length, "in large pages").toBeLessThan(12);
  list.look("finished", 2_900, 2_960);
  await settle();
  expect(list.get("f0")).toBeUndefined();
  expect(table.isSelected("f0")).toBe(true);
  engine.change("f0", "archived", { archived: true });
  await settle();
  expect(table.selected[0]?.archived).toBe(true);
  engine.tell("deleted", null, "f1");
  await settle();
  expect(table.isSelected("f1")).toBe(false);
});

test("no more than ten thousand are selected at once, and that is said", async () => {
  await begin((it) => it.add(...Array.from({ length: 10_500 }, (_, i) => anExperiment(`f${i}`, "completed", { completed_at: 1_000_000 - i }))));
  await table.all();
  expect(table.size).toBe(10_000);
  expect(toast()?.title).toBe("The first 10,000 are selected");
});

test("a move shows at once and is put back when it is refused", async () => {
  await begin((it) => it.add(...waiting(4)));
  const move = table.move([engine.get("w4"), engine.get("w2")], { to: "top" });
  expect(shown(), "before the engine has answered").toBe("w2 w4 w1 w3");
  await move;
  await settle();
  expect([order(), shown()]).toEqual(["w2 w4 w1 w3", "w2 w4 w1 w3"]);

  engine.answers["experiments.move"] = ({ uids }) => ({ outcomes: uids.map((uid) => ({ uid, experiment: null, error: { code: "illegal_transition", message: "It runs already." } })) });
  const refused = table.move([engine.get("w3")], { to: "top" });
  expect(shown()).toBe("w3 w2 w4 w1");
  await refused;
  await settle();
  expect(shown()).toBe("w2 w4 w1 w3");
  expect(toast()).toMatchObject({ title: "w3 was not moved", bad: true });
});

test("what was read before a move does not undo what is shown of it", async () => {
  await begin((it) => it.add(...waiting(4)));
  const before = engine.section("waiting");
  let answer: (() => void) | undefined;
  const list_ = engine.call.bind(engine);
  engine.call = (async (method: "experiments.list", input: never) => {
    if (method !== "experiments.list" || (input as { section: string }).section !== "waiting" || answer !== undefined) return list_(method, input);
    // A read that is under way while the row is moved, and tells of the order before.
    await new Promise<void>((done) => (answer = done));
    return { experiments: before, total: before.length };
  }) as typeof engine.call;
  list.again();
  await settle(500);
  const move = table.move([engine.get("w4")], { to: "top" });
  answer?.();
  await settle(1);
  expect(shown()).toBe("w4 w1 w2 w3");
  await move;
  await settle();
  expect(shown()).toBe("w4 w1 w2 w3");
});

test("one step up and down, for several together", async () => {
  await begin((it) => it.add(...waiting(5)));
  await table.step([engine.get("w3"), engine.get("w4")], -1);
  await settle();
  expect(order()).toBe("w1 w3 w4 w2 w5");
  await table.step([engine.get("w3"), engine.get("w4")], 1);
  await settle();
  expect(order()).toBe("w1 w2 w3 w4 w5");
  engine.asked = [];
  await table.step([engine.get("w1")], -1);
  await table.step([engine.get("w5")], 1);
  expect(engine.count("experiments.move"), "there is nothing beyond the ends").toBe(0);
});

test.each([
  [["w3"], 0, { to: "top" }],
  [["w3"], 5, { to: "bottom" }],
  [["w3"], 1, { to: "before", other: "w2" }],
  [["w3"], 2, null],
  [["w3"], 3, null],
  [["w3"], 4, { to: "before", other: "w5" }],
  [["w2", "w4"], 3, { to: "before", other: "w5" }],
  [["w2", "w4"], 2, { to: "before", other: "w3" }],
  [["w4", "w5"], 5, null],
  [["w1", "w5"], 5, { to: "bottom" }],
])("%s dropped at gap %i", async (uids, gap, destination) => {
  await begin((it) => it.add(...waiting(5)));
  expect(table.destination(uids.map((uid) => engine.get(uid)), gap)).toEqual(destination);
});

test("a group opens to its members and closes again", async () => {
  await begin((it) => it.add(anExperiment("g1", "running", { group: "g" }), anExperiment("g2", "queued", { group: "g" }), anExperiment("g3", "completed", { group: "g" }), ...waiting(1)), { ungrouped: true });
  expect(table.layout.blocks.map((it) => it.kind)).toEqual(["head", "group", "head", "rows"]);
  table.current = groupKey("g");
  expect(table.currentGroup?.name).toBe("g");
  table.toggle("g");
  await settle();
  expect(table.layout.length).toBe(7);
  expect([2, 3, 4].map((place) => table.lineAt(place)?.key)).toEqual(["g1", "g2", "g3"]);
  engine.change("g2", "started", { status: "running", started_at: 9_000 });
  await settle();
  expect([2, 3, 4].map((place) => table.lineAt(place)?.key)).toEqual(["g1", "g2", "g3"]);
  expect(app.groups.get("g")?.counts).toMatchObject({ running: 2, queued: 0 });
  table.current = "g3";
  table.toggle("g");
  expect(table.current, "the focus goes with it").toBe(groupKey("g"));
  expect(table.layout.length).toBe(4);
  engine.asked = [];
  engine.change("g1", "completed", { status: "completed", completed_at: 9_999 });
  await settle();
  expect(engine.asked.filter((it) => (it.input as { group?: string }).group === "g"), "a closed group is not read").toEqual([]);
});

test("a group's limit shows at once and goes back if it is refused", async () => {
  await begin((it) => it.add(anExperiment("g1", "running", { group: "g" })), { ungrouped: true });
  await app.groups.limit("g", 3);
  expect(app.groups.get("g")?.parallel).toBe(3);
  engine.answers["groups.set"] = () => {
    throw new Error("no");
  };
  const change = app.groups.limit("g", 4);
  expect(app.groups.get("g")?.parallel).toBe(4);
  await change;
  expect(app.groups.get("g")?.parallel).toBe(3);
});

test("only what the states allow is done", async () => {
  const some = [anExperiment("a", "running"), anExperiment("b", "paused"), anExperiment("c", "queued"), anExperiment("d", "pending", { held: true }), anExperiment("e", "failed"), anExperiment("f", "completed")];
  await begin((it) => it.add(...some));
  const uids = (id: Parameters<typeof allowed>[0]) => allowed(id, some).map((it) => it.uid).join("");
  expect({ pause: uids("pause"), resume: uids("resume"), cancel: uids("cancel"), retry: uids("retry"), top: uids("top"), archive: uids("archive"), delete: uids("delete"), edit: uids("edit") }).toEqual({
    pause: "ac",
    resume: "bd",
    cancel: "abcd",
    retry: "e",
    top: "cd",
    archive: "ef",
    delete: "ef",
    edit: "",
  });
  await run(app, "pause", some);
  expect(engine.last("experiments.pause")?.uids).toEqual(["a", "c"]);
  expect(toast()?.title).toBe("Paused 2 experiments");
  expect(engine.get("c").held).toBe(true);
});

test("what became of several is said in one toast", async () => {
  await begin(() => {});
  const fine = (uid: string) => ({ uid, experiment: anExperiment(uid), error: null });
  const bad = (uid: string, message: string) => ({ uid, experiment: null, error: { code: "illegal_transition" as const, message } });
  sayOutcomes(app, [...Array.from({ length: 11 }, (_, i) => fine(`a${i}`)), bad("b", "It has ended.")], "cancelled");
  expect(toast()).toMatchObject({ title: "11 cancelled, 1 could not", text: "It has ended.", bad: true });
  sayOutcomes(app, [fine("a"), bad("b", "It has ended."), bad("c", "It has ended."), bad("d", "It is gone.")], "paused");
  expect(toast()).toMatchObject({ title: "1 paused, 3 could not", text: "It has ended.\nd: It is gone." });
  sayOutcomes(app, [bad("b", "It has ended.")], "paused");
  expect(toast()).toMatchObject({ title: "b was not paused", text: "It has ended." });
  sayOutcomes(app, [fine("a")], "resumed");
  expect(toast()).toMatchObject({ title: "Resumed a", bad: false });
});

test("archiving can be undone, deleting asks and says what goes", async () => {
  await begin((it) => it.add(anExperiment("e", "failed"), anExperiment("f", "completed")));
  await run(app, "archive", engine.experiments);
  await settle();
  expect(list.total).toBe(0);
  toast()?.action?.run();
  await settle();
  expect(list.total).toBe(2);

  const done = run(app, "delete", engine.experiments);
  await settle();
  expect(app.question?.title).toBe("Delete 2 experiments?");
  expect(app.question?.text).toMatch(/^e, f\. .*logs.*metrics.*Checkpoints.*stay/);
  app.question?.answer(true);
  await done;
  await settle();
  expect([engine.experiments.length, list.total]).toEqual([0, 0]);
});

test("several are put into a group, and given a priority, in one call each", async () => {
  await begin((it) => it.add(...waiting(3), anExperiment("f1", "completed")), { ungrouped: true });
  await setGroup(app, engine.experiments.slice(0, 2), "new");
  await settle();
  expect(app.groups.get("new")?.counts.queued).toBe(2);
  expect(shown()).toBe("w3");
  expect(toast()?.title).toBe("Added to new: 2 experiments");
  await setPriority(app, engine.experiments, "high");
  expect([engine.count("experiments.edit_many"), engine.count("experiments.edit")]).toEqual([2, 0]);
  expect(engine.last("experiments.edit_many"), "only those that wait").toEqual({ selection: { uids: ["w1", "w2", "w3"] }, changes: { priority: "high" } });
  engine.change("w1", "started", { status: "running" });
  await setGroup(app, [{ ...engine.get("w1"), status: "queued" }, engine.get("w2")], null);
  expect(toast()?.title, "one that has started meanwhile is told of").toContain("1 could not");
});

test.each([
  [["m3"], 0, { to: "before", other: "m1" }],
  [["m1"], 3, { to: "after", other: "m3" }],
  [["m3"], 1, { to: "before", other: "m2" }],
  [["m1", "m3"], 3, { to: "after", other: "m2" }],
  [["m2"], 2, null],
])("%s of a group dropped at its gap %i", async (uids, gap, destination) => {
  const members = ["m1", "m2", "m3"].map((uid) => anExperiment(uid, "queued", { group: "g" }));
  await begin((it) => it.add(anExperiment("w0"), ...members, anExperiment("w9")), { ungrouped: true });
  table.toggle("g");
  await settle();
  const group = table.listOf("m1");
  expect([table.listOf("w0") === list, group === table.open.get("g")]).toEqual([true, true]);
  expect(table.destination(uids.map((uid) => engine.get(uid)), gap, group)).toEqual(destination);
});

test("members of a group change places within it, shown at once", async () => {
  const members = ["m1", "m2", "m3"].map((uid) => anExperiment(uid, "queued", { group: "g" }));
  await begin((it) => it.add(anExperiment("w0"), ...members, anExperiment("w9")), { ungrouped: true });
  table.toggle("g");
  await settle();
  const group = table.open.get("g");
  const inGroup = () => [0, 1, 2].map((i) => group?.at("waiting", i)?.uid).join(" ");
  void table.move([engine.get("m3")], { to: "before", other: "m1" });
  expect(inGroup()).toBe("m3 m1 m2");
  await settle();
  expect([inGroup(), order(), shown()]).toEqual(["m3 m1 m2", "w0 m3 m1 m2 w9", "w0 w9"]);
});

test("what is scrolled past is not asked for, and what is stopped at is", async () => {
  await begin((it) => it.add(...Array.from({ length: 50_000 }, (_, i) => anExperiment(`f${i}`, "completed", { completed_at: 1_000_000 - i }))));
  engine.asked = [];
  for (let at = 1_000; at < 40_000; at += 500) list.look("finished", at, at + 60);
  await settle();
  expect(engine.count("experiments.list")).toBeLessThan(6);
  expect(list.at("finished", 39_500)?.uid).toBe("f39500");
});

test("a list that one comes back to shows at once what it had", async () => {
  await begin((it) => it.add(...waiting(3)));
  stops[0]?.();
  engine.change("w2", "cancelled", { status: "cancelled", completed_at: 9 });
  const again = new Experiments(app);
  stops[0] = again.follow();
  expect([again.loaded, again.count("waiting")]).toEqual([true, 3]);
  await settle();
  expect([again.count("waiting"), again.at("finished", 0)?.uid]).toEqual([2, "w2"]);
});

test("a hundred thousand rows: a push costs what is on screen, and reads no more", async () => {
  await begin((it) => it.add(anExperiment("r1", "running"), ...Array.from({ length: 100_000 }, (_, i) => anExperiment(`f${i}`, "completed", { completed_at: 1_000_000 - i }))));
  expect(table.layout.length).toBe(100_003);
  list.look("finished", 50_000, 50_060);
  list.look("active", 0, 0);
  list.look("waiting", 0, 0);
  await settle();
  engine.asked = [];
  const read = vi.spyOn(engine, "section").mockImplementation(() => []);
  for (let i = 0; i < 500; i += 1) engine.push({ kind: "run_update", uid: "elsewhere", keys: ["loss"], metrics: [], progress: null });
  await settle();
  expect(engine.asked).toEqual([]);
  read.mockRestore();
  for (let i = 0; i < 200; i += 1) engine.push({ kind: "queue_update", event: { cursor: 10_000 + i, at: 0, what: "completed", uid: `n${i}`, attempt: 1, message: "" }, experiment: anExperiment(`n${i}`, "completed"), stats: app.stats! });
  await settle(100);
  expect(list.count("finished")).toBe(100_200);
  expect(list.at("finished", 50_200)?.uid, "what was read moves on with what came above it").toBe("f50000");
  expect(engine.count("experiments.list")).toBeLessThan(12);
});
