import { expect, test } from "vitest";
import type { EventKind, Experiment, Push, QueueStats } from "../bindings";
import { anExperiment as experiment } from "../../../tests/fake/make";
import { Listing, merged } from "./listing";

const stats = {} as QueueStats;
let cursor = 0;

function event(what: EventKind, of: Experiment | null, uid = of?.uid ?? null, at = ++cursor): Extract<Push, { kind: "queue_update" }> {
  return { kind: "queue_update", event: { cursor: at, at: 0, what, uid, attempt: null, message: "" }, experiment: of, stats };
}

function loaded(): Listing {
  const listing = new Listing(() => true);
  listing.page("active", 0, [experiment("r1", "running")], 1, true);
  listing.page("waiting", 0, [experiment("w2"), experiment("w3")], 2, true);
  listing.page("finished", 0, [experiment("f9", "completed"), experiment("f8", "failed")], 2, true);
  return listing;
}

const uids = (listing: Listing, section: "active" | "waiting" | "finished") => listing.sections[section].rows.map((it) => it?.uid ?? "?");
const stale = (listing: Listing) => Object.entries(listing.sections).filter(([, it]) => it.stale).map(([name]) => name);

test("an experiment goes through its life, each event in its place", () => {
  const listing = loaded();
  listing.update(event("added", experiment("n5")));
  expect(uids(listing, "waiting")).toEqual(["w2", "w3", "n5"]);
  listing.update(event("started", experiment("n5", "running", { started_at: 3_000 })));
  expect(uids(listing, "waiting")).toEqual(["w2", "w3"]);
  expect(uids(listing, "active")).toEqual(["r1", "n5"]);
  listing.update(event("completed", experiment("n5", "completed")));
  expect(uids(listing, "active")).toEqual(["r1"]);
  expect(uids(listing, "finished")).toEqual(["n5", "f9", "f8"]);
  expect(listing.sections.finished.total).toBe(3);
  expect(stale(listing)).toEqual([]);
});

test("the waiting stand by priority, then by age", () => {
  const listing = loaded();
  listing.update(event("added", experiment("n5", "queued", { priority: "urgent" })));
  listing.update(event("added", experiment("n6", "queued", { priority: "low" })));
  listing.update(event("added", experiment("n7", "queued", { priority: "normal" })));
  expect(uids(listing, "waiting")).toEqual(["n5", "w2", "w3", "n7", "n6"]);
});

test("an event that was known already, or is older, changes nothing", () => {
  const listing = loaded();
  const started = event("started", experiment("w2", "running"));
  const completed = event("completed", experiment("w2", "completed"));
  listing.update(completed);
  expect(listing.update(started)).toBe(false);
  expect(listing.update(completed)).toBe(false);
  expect(uids(listing, "finished")).toEqual(["w2", "f9", "f8"]);
});

test("an event older than the page that was read does not bring the ended back", () => {
  const listing = loaded();
  expect(listing.update(event("started", experiment("f9", "running")))).toBe(false);
  expect(uids(listing, "active")).toEqual(["r1"]);
  // A new attempt does.
  expect(listing.update(event("started", experiment("f9", "running", { attempt: 2 })))).toBe(true);
  expect(uids(listing, "active")).toEqual(["f9", "r1"].sort((a) => (a === "r1" ? -1 : 1)));
});

test("an event that repeats what a page said is counted once", () => {
  const listing = loaded();
  listing.update(event("added", experiment("w3")));
  expect(uids(listing, "waiting")).toEqual(["w2", "w3"]);
  expect(listing.sections.waiting.total).toBe(2);
});

test("a voided attempt goes back to the queue", () => {
  const listing = loaded();
  listing.update(event("voided", experiment("r1", "queued", { attempt: 1 })));
  expect(uids(listing, "active")).toEqual([]);
  expect(uids(listing, "waiting")).toEqual(["r1", "w2", "w3"]);
});

test("a row of an unknown place leaves a section to be read again", () => {
  const listing = loaded();
  listing.page("waiting", 0, [experiment("w2"), experiment("w3")], 500, true);
  listing.update(event("started", experiment("w400", "running")));
  expect(stale(listing)).toContain("waiting");
  expect(uids(listing, "active")).toContain("w400");
});

test("with a filter only the engine knows who belongs", () => {
  const listing = new Listing(() => undefined);
  listing.page("waiting", 0, [experiment("w2")], 1, true);
  listing.update(event("added", experiment("n5")));
  expect(uids(listing, "waiting")).toEqual(["w2"]);
  expect(stale(listing)).toContain("waiting");
  listing.update(event("started", experiment("w2", "running")));
  expect(uids(listing, "waiting")).toEqual([]);
});

test("what does not belong is passed over", () => {
  const listing = new Listing((it) => it.project === "a");
  listing.page("waiting", 0, [], 0, true);
  expect(listing.update(event("added", experiment("n5", "queued", { project: "b" })))).toBe(false);
  expect(listing.update(event("added", experiment("n6", "queued", { project: "a" })))).toBe(true);
  expect(uids(listing, "waiting")).toEqual(["n6"]);
});

test("what was removed goes", () => {
  const listing = loaded();
  listing.update(event("cancelled", null, "w2"));
  expect(uids(listing, "waiting")).toEqual(["w3"]);
  expect(listing.sections.waiting.total).toBe(1);
});

test("pages fill holes, and nothing stands twice", () => {
  const listing = new Listing(() => true);
  listing.page("finished", 0, [experiment("f5", "completed")], 4, true);
  listing.look("finished", 0, 4);
  expect(listing.holes("finished", 0, 4)).toEqual([1, 4]);
  listing.page("finished", 2, [experiment("f5", "completed"), experiment("f2", "completed")], 4, false);
  expect(uids(listing, "finished")).toEqual(["?", "?", "f5", "f2"]);
  expect(listing.get("f5")?.uid).toBe("f5");
});

test("newcomers among ten thousand ended come first", () => {
  const listing = new Listing(() => true);
  listing.page("active", 0, [], 0, true);
  listing.page("waiting", 0, [], 0, true);
  listing.page("finished", 0, [experiment("f1", "completed")], 10_000, true);
  for (let i = 0; i < 1_000; i += 1) listing.update(event("completed", experiment(`n${20_000 + i}`, "completed")));
  expect(listing.sections.finished.total).toBe(11_000);
  expect(uids(listing, "finished")[0]).toBe("n20999");
  expect(uids(listing, "finished")[1_000]).toBe("f1");
});

test("of a hundred thousand rows only those beside the screen are kept", () => {
  const listing = new Listing(() => true);
  const rows = (from: number, count: number) => Array.from({ length: count }, (_, i) => experiment(`f${from + i}`, "completed"));
  listing.page("finished", 0, rows(0, 100), 100_000, true);
  for (let at = 0; at < 50_000; at += 50) {
    listing.look("finished", at, at + 100);
    const hole = listing.holes("finished", at, at + 100);
    if (hole !== null) listing.page("finished", hole[0], rows(hole[0], hole[1] - hole[0]), 100_000, false);
    expect(listing.at("finished", at)?.uid).toBe(`f${at}`);
    expect(listing.sections.finished.rows.length).toBeLessThan(600);
  }
  // A jump, and back again.
  listing.look("finished", 99_900, 100_000);
  expect(listing.sections.finished.rows.length).toBe(100);
  expect(listing.get("f49950")).toBeUndefined();
  // What comes at the top moves the window on, and its rows with it.
  listing.page("finished", 99_900, rows(99_900, 100), 100_000, false);
  expect(listing.find("f99950")).toEqual({ section: "finished", index: 99_950 });
  listing.page("active", 0, [], 0, true);
  listing.page("waiting", 0, [], 0, true);
  listing.update(event("completed", experiment("new", "completed")));
  expect(listing.sections.finished.total).toBe(100_001);
  expect(listing.find("f99950")).toEqual({ section: "finished", index: 99_951 });
});

test("an event of an experiment out of sight that stays where it is changes no number", () => {
  const listing = new Listing(() => true);
  listing.page("waiting", 0, [experiment("w2"), experiment("w3")], 500, true);
  expect(listing.update(event("held", experiment("w400", "pending", { held: true })))).toBe(false);
  expect(listing.sections.waiting.total).toBe(500);
  expect(stale(listing)).toEqual([]);
  listing.update(event("moved", experiment("w400")));
  expect(stale(listing)).toEqual(["waiting"]);
});

test("what is put away or into a group leaves a list that does not show it", () => {
  const listing = new Listing((it) => it.group === null && !it.archived);
  listing.page("waiting", 0, [experiment("w2"), experiment("w3")], 2, true);
  listing.page("finished", 0, [experiment("f5", "completed")], 1, true);
  listing.update(event("edited", experiment("w2", "queued", { group: "g" })));
  listing.update(event("archived", experiment("f5", "completed", { archived: true })));
  expect([uids(listing, "waiting"), uids(listing, "finished")]).toEqual([["w3"], []]);
});

test("a move shows before the engine has answered", () => {
  const listing = new Listing(() => true);
  const all = ["w1", "w2", "w3", "w4", "w5"];
  const order = () => uids(listing, "waiting").join(" ");
  listing.page("waiting", 0, all.map((it) => experiment(it)), 5, true);
  listing.reorder(["w4", "w2"], { to: "top" });
  expect(order()).toBe("w2 w4 w1 w3 w5");
  listing.reorder(["w2"], { to: "after", other: "w3" });
  expect(order()).toBe("w4 w1 w3 w2 w5");
  listing.reorder(["w5", "w4"], { to: "before", other: "w3" });
  expect(order()).toBe("w1 w4 w5 w3 w2");
  listing.reorder(["w1"], { to: "bottom" });
  expect(order()).toBe("w4 w5 w3 w2 w1");
  listing.reorder(["w1"], { to: "before", other: "gone" });
  expect(order()).toBe("w4 w5 w3 w2 w1");
  expect(listing.find("w1")).toEqual({ section: "waiting", index: 4 });
});

test("metrics and progress go to their row", () => {
  const listing = loaded();
  const push: Extract<Push, { kind: "run_update" }> = {
    kind: "run_update",
    uid: "r1",
    keys: ["loss"],
    metrics: [{ key: "loss", value: 0.5, step: 3 }],
    progress: { fraction: 0.5, current: 1, total: 2, unit: "epoch" },
  };
  expect(listing.progress(push)).toBe(true);
  expect(listing.get("r1")).toMatchObject({ metrics: push.metrics, progress: push.progress });
  expect(listing.progress({ ...push, progress: null, metrics: [] })).toBe(true);
  expect(listing.get("r1")?.progress).toEqual(push.progress);
  expect(listing.progress({ ...push, uid: "unknown" })).toBe(false);
});

test("latest values keep the order of the file", () => {
  const value = (key: string, at: number) => ({ key, value: at, step: at });
  expect(merged([value("a", 1), value("b", 1)], [value("b", 2), value("c", 2)]).map((it) => `${it.key}${it.step}`)).toEqual(["a1", "b2", "c2"]);
});
