import { expect, test } from "vitest";
import type { EventKind, Experiment, Push, QueueStats, Status } from "../bindings";
import { Listing, merged } from "./listing";

const stats = {} as QueueStats;
let cursor = 0;

function experiment(uid: string, status: Status = "queued", more: Partial<Experiment> = {}): Experiment {
  return {
    uid,
    name: uid,
    project: null,
    command: ["true"],
    command_line: "true",
    cwd: "/",
    priority: "normal",
    status,
    cancelling: false,
    failure: null,
    wait_reason: null,
    attempt: status === "queued" || status === "pending" ? 0 : 1,
    created_at: 1_000 + Number(uid.replace(/\D/g, "")),
    started_at: status === "running" ? 2_000 : null,
    completed_at: null,
    progress: null,
    metrics: [],
    tags: [],
    ...more,
  };
}

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
