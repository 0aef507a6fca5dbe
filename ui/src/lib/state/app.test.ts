import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Commands, LogChunk, Push } from "../bindings";
import { anExperiment as experiment, RESOURCES, SETTINGS } from "../../../tests/fake/make";
import { CallError, type Host } from "../host/host";
import { App } from "./app.svelte";
import { Experiments } from "./experiments.svelte";
import { JobLog } from "../log/source";
import { Log } from "./log.svelte";

/** A host of the tests' own: answers from a table, and counts what was asked. */
class FakeHost implements Host {
  readonly desktop = false;
  asked: string[] = [];
  gone = false;
  push: (push: Push) => void = () => {};
  connection: (connected: boolean) => void = () => {};
  answers: { [M in keyof Commands]?: (input: Commands[M]["input"]) => Commands[M]["output"] } = {
    "engine.info": () => ({ version: "0", host: "h", owner: "window", pid: 1, started_at: 0, home: "/h", database: "/h/d", attempts: "/h/a", socket: "/h/s", log: "/h/l", backups: "/h/b", notices: [{ level: "warning", title: "Once", message: "said" }] }),
    "queue.stats": () => ({ pending: 0, queued: 2, running: 1, paused: 0, completed: 0, failed: 0, cancelled: 0, expired: 0, slots: 1, queue_paused: false }),
    "settings.get": () => SETTINGS,
    "projects.list": () => ({ projects: [] }),
    "device.history": () => ({ facts: null, samples: [] }),
  };

  async call<M extends keyof Commands>(method: M, input: Commands[M]["input"]): Promise<Commands[M]["output"]> {
    this.asked.push(method);
    await Promise.resolve();
    if (this.gone) throw new CallError({ code: "engine_gone", message: "gone" });
    const answer = this.answers[method] as ((input: Commands[M]["input"]) => Commands[M]["output"]) | undefined;
    if (answer === undefined) throw new CallError({ code: "internal", message: `no answer to ${method}` });
    return answer(input);
  }
  listen(push: (push: Push) => void, connection: (connected: boolean) => void) {
    this.push = push;
    this.connection = connection;
    return Promise.resolve(() => {});
  }
  pickFolder = () => Promise.resolve(null);
  saveText = () => Promise.resolve(null);
  saveLog = () => Promise.resolve(null);
  openPath = () => Promise.resolve();
  onNavigate = () => Promise.resolve(() => {});
  lookingAt() {}
  ready() {}
}

let host: FakeHost;
let app: App;
beforeEach(async () => {
  vi.useFakeTimers();
  host = new FakeHost();
  app = new App(host);
  await app.start();
});
afterEach(() => {
  app.stop();
  vi.useRealTimers();
});

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

test("everything is read once at the start", () => {
  expect(app.connection).toBe("live");
  expect(app.running).toBe(1);
  expect(app.waiting).toBe(2);
  expect(app.untouched).toBe(false);
  expect(host.asked.sort()).toEqual(["device.history", "engine.info", "projects.list", "queue.stats", "settings.get"]);
});

test("a lost engine is asked for at growing distances, and read anew once it is back", async () => {
  let refreshed = 0;
  app.onRefresh(() => (refreshed += 1));
  host.gone = true;
  host.asked = [];
  host.push({ kind: "engine_stopped" });
  expect(app.connection).toBe("gone");
  await settle(10_000);
  const tries = host.asked.filter((it) => it === "engine.info").length;
  expect(tries).toBeGreaterThan(2);
  expect(tries).toBeLessThan(8);
  host.gone = false;
  await settle(6_000);
  expect(app.connection).toBe("live");
  expect(refreshed).toBe(1);
  host.asked = [];
  await settle(60_000);
  expect(host.asked, "nothing is polled").toEqual([]);
});

test("missed pushes and a new stream mean reading again", async () => {
  for (const push of [{ kind: "resync", cursor: 9 }, { kind: "hello", cursor: 9 }] as const) {
    host.asked = [];
    host.push(push);
    await settle();
    expect(host.asked).toContain("queue.stats");
  }
});

test("a dismissed notice does not come back", async () => {
  expect(app.notices.length).toBe(1);
  app.dismiss(app.notices[0]!);
  host.push({ kind: "notice", notice: { level: "warning", title: "Once", message: "said" } });
  host.push({ kind: "resync", cursor: 1 });
  await settle();
  expect(app.notices).toEqual([]);
});

test("a setting shows at once, and goes back if it is refused", async () => {
  host.answers["settings.change"] = () => {
    throw new CallError({ code: "invalid_input", message: "no", field: "slots" });
  };
  const change = app.change({ slots: 5 });
  expect(app.settings?.slots).toBe(5);
  await change;
  expect(app.settings?.slots).toBe(1);
  expect(app.toasts.list[0]).toMatchObject({ bad: true });
});

test("toasts go by themselves, failures stay", async () => {
  app.toasts.say("done");
  app.toasts.problem({ code: "internal", title: "t", message: "m", next: "n", field: undefined });
  app.toasts.problem({ code: "internal", title: "t", message: "m", next: "n", field: undefined });
  expect(app.toasts.list.length).toBe(2);
  await settle(6_000);
  expect(app.toasts.list.map((it) => it.bad)).toEqual([true]);
});

test("a burst of a thousand events is a handful of reads", async () => {
  host.answers["experiments.list"] = () => ({ experiments: [], total: 0 });
  const list = new Experiments(app);
  const stop = list.follow();
  await settle(1_000);
  host.asked = [];
  const stats = host.answers["queue.stats"]!({});
  let cursor = 0;
  for (let i = 0; i < 1_000; i += 1) {
    for (const [what, status] of [["added", "queued"], ["started", "running"], ["completed", "completed"]] as const) {
      cursor += 1;
      host.push({ kind: "queue_update", event: { cursor, at: 0, what, uid: `u${i}`, attempt: 1, message: "" }, experiment: experiment(`u${i}`, status), stats });
    }
  }
  await settle(100);
  expect(list.rows("finished").total).toBe(1_000);
  expect(list.rows("active").total + list.rows("waiting").total).toBe(0);
  await settle(5_000);
  expect(host.asked.filter((it) => it === "experiments.list").length).toBeLessThan(8);
  stop();
});

const chunk = (start: number, text: string, end = start + text.length): LogChunk => ({ attempt: 1, text, start, next: start + text.length, oldest: 0, end, ended: false });
const MIB = 1024 * 1024;

test("a log is read as it grows, and skipped through when it grows too fast", async () => {
  host.answers["log.tail"] = () => chunk(0, "one\n");
  const log = new Log(new JobLog(app, "u", "u", null, null));
  const stop = log.follow();
  await settle(200);
  expect(log.lines.map((it) => it.text)).toEqual(["one"]);

  host.answers["log.read"] = (input) => {
    expect(input.offset).toBe(4);
    return chunk(4, "two\n");
  };
  for (let i = 0; i < 50; i += 1) host.push({ kind: "log_append", uid: "u", attempt: 1, end: 8 });
  host.asked = [];
  await settle(200);
  expect(host.asked).toEqual(["log.read"]);
  expect(log.lines.map((it) => it.text)).toEqual(["one", "two"]);

  host.answers["log.tail"] = () => chunk(100 * MIB, "far\n");
  host.push({ kind: "log_append", uid: "u", attempt: 1, end: 100 * MIB + 4 });
  await settle(200);
  expect(log.lines.map((it) => it.text)).toEqual(["far"]);
  expect(log.hasOlder).toBe(true);

  // Somebody reads further up: nothing is taken from under them.
  log.following = false;
  host.push({ kind: "log_append", uid: "u", attempt: 1, end: 200 * MIB });
  await settle(200);
  expect(log.lines.map((it) => it.text)).toEqual(["far"]);
  expect(log.behind).toBe(100 * MIB - 4);
  host.answers["log.tail"] = () => chunk(200 * MIB - 4, "end\n");
  await log.jump();
  expect(log.lines.map((it) => it.text)).toEqual(["end"]);
  expect(log.behind).toBe(0);
  stop();
});

test("a new attempt's log replaces the old one's", async () => {
  host.answers["log.tail"] = () => chunk(0, "first\n");
  const log = new Log(new JobLog(app, "u", "u", null, null));
  const stop = log.follow();
  await settle(200);
  host.answers["log.tail"] = () => ({ ...chunk(0, "second\n"), attempt: 2 });
  host.push({ kind: "log_append", uid: "u", attempt: 2, end: 7 });
  await settle(200);
  expect(log.lines.map((it) => it.text)).toEqual(["second"]);
  stop();
});
