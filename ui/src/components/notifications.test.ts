import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeEngine } from "../../tests/fake/engine";
import Frame from "../../tests/fake/Frame.svelte";
import { aNotification } from "../../tests/fake/make";
import type { Notification } from "../lib/bindings";
import { App } from "../lib/state/app.svelte";
import { ago, byDay } from "../lib/util/notifications";

let engine: FakeEngine;
let app: App;

beforeEach(() => {
  window.location.hash = "#/overview";
  engine = new FakeEngine();
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
});

const now = Date.now();
const at = (id: number, more: Partial<Notification> = {}) => aNotification(id, { at: now - (100 - id) * 1_000, updated_at: now - (100 - id) * 1_000, ...more });

async function open() {
  await app.start();
  render(Frame, { app, view: "notifications" });
  await fireEvent.click(await screen.findByRole("button", { name: /^Notifications/ }));
}

const items = () => screen.getAllByRole("listitem").map((it) => it.querySelector(".title")?.textContent);

test("the bell counts what was not read, and what comes is there at once", async () => {
  engine.notifications = [at(1, { read: true }), at(2)];
  await open();
  await waitFor(() => expect(items()).toEqual(["job 2 completed", "job 1 completed"]));
  screen.getByText("1 unread notification");
  engine.notify(at(3, { title: "job 3 failed", what: "failed" }));
  await waitFor(() => expect(items()).toEqual(["job 3 failed", "job 2 completed", "job 1 completed"]));
  engine.notify(at(3, { title: "2 experiments failed", what: "failed", count: 2, updated_at: now }));
  await waitFor(() => expect(items()?.[0], "it has grown in its place").toBe("2 experiments failed"));
  expect(engine.count("notifications.list"), "and nothing was asked for again").toBe(1);
});

test("a click opens the job and marks it as read; the others are marked at once", async () => {
  engine.notifications = [at(1), at(2), at(3)];
  await open();
  await fireEvent.click(await screen.findByRole("button", { name: /job 2 completed/ }));
  expect(app.router.job).toBe(engine.notifications.find((it) => it.id === 2)?.jobs[0]?.uid);
  expect(engine.last("notifications.mark")).toEqual({ ids: [2] });
  app.notifications.open = true;
  await fireEvent.click(await screen.findByRole("button", { name: "Mark all read" }));
  expect(engine.last("notifications.mark")).toEqual({ up_to: 3 });
  await waitFor(() => expect(app.notifications.unread).toBe(0));
  expect(engine.notifications.every((it) => it.read)).toBe(true);
});

test("one of several jobs leads to each that it names, those that went wrong first", async () => {
  const jobs = ["a", "b", "c", "d", "e"].map((uid) => ({ uid, name: `run ${uid}`, project: null, attempt: 1, what: uid === "e" ? ("failed" as const) : ("completed" as const), last_line: null }));
  engine.notifications = [at(1, { title: "9 experiments ended", count: 9, jobs })];
  await open();
  const item = await screen.findByRole("listitem");
  expect(within(item).getAllByRole("button").slice(1).map((it) => it.textContent)).toEqual(["run e", "run a", "run b", "run c"]);
  within(item).getByText("and 5 more");
  await fireEvent.click(within(item).getByRole("button", { name: "run e" }));
  expect(app.router.job).toBe("e");
});

test("older ones are read when they are asked for, and read ones can be left out", async () => {
  engine.notifications = Array.from({ length: 40 }, (_, i) => at(i + 1, { read: i > 0 }));
  await open();
  await waitFor(() => expect(items()).toHaveLength(30));
  await fireEvent.click(screen.getByRole("button", { name: "Older" }));
  await waitFor(() => expect(items()).toHaveLength(40));
  await fireEvent.click(screen.getByRole("button", { name: "Unread" }));
  expect(items()).toEqual(["job 1 completed"]);
  await fireEvent.click(screen.getByRole("button", { name: "Mark all read" }));
  await screen.findByText("All read", { selector: "b" });
});

test("what cannot be had says why, and is asked for again", async () => {
  engine.answers["notifications.list"] = () => {
    throw Object.assign(new Error("The disk is full."), { code: "disk_full" });
  };
  await open();
  await screen.findByText("The disk is full.");
  delete engine.answers["notifications.list"];
  await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("Nothing to tell yet");
});

test("kinds, projects, thresholds and the hook are set", async () => {
  engine.answers["projects.list"] = () => ({ projects: [{ name: "toys", folder: "/toys", available: true, demo: false, suggestions: [] }] });
  await app.start();
  render(Frame, { app, view: "settings" });
  await fireEvent.click(await screen.findByRole("checkbox", { name: "The queue ran empty" }));
  expect(engine.settings.notifications.off).toEqual(["drained"]);
  await fireEvent.click(screen.getByRole("checkbox", { name: "toys" }));
  expect(engine.settings.notifications).toMatchObject({ off: ["drained"], muted_projects: ["toys"] });
  const hot = screen.getByRole<HTMLInputElement>("spinbutton", { name: "A GPU is hot from" });
  await fireEvent.change(hot, { target: { value: "500" } });
  expect(hot.value, "what cannot be is not taken").toBe("87");
  await fireEvent.change(hot, { target: { value: "80" } });
  expect(engine.settings.notifications.gpu_hot).toBe(80);

  await fireEvent.click(screen.getByRole("button", { name: "Set a hook…" }));
  await fireEvent.input(screen.getByRole("textbox", { name: "Command" }), { target: { value: "~/bin/tell-me" } });
  await fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("~/bin/tell-me");
  expect(engine.hook.hook).toEqual({ command: "~/bin/tell-me" });
  engine.hook = { ...engine.hook, failure: { at: now, message: "it ended with exit code 9" } };
  await fireEvent.click(screen.getByRole("button", { name: "Send a test" }));
  await screen.findByText("A notification was sent, but the hook failed: it ended with exit code 9");
  await fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(engine.hook.hook).toBeNull());
  expect(engine.settings.autostart).toBe(false);
  await fireEvent.click(screen.getByRole("switch", { name: "Start with the desktop" }));
  expect(engine.settings.autostart).toBe(true);
});

test("times are as short as they can be said", () => {
  const noon = new Date(2026, 10, 21, 12, 0).getTime();
  const check = (before: number, words: string) => expect(ago(noon - before, noon)).toBe(words);
  check(-5_000, "now");
  check(59_000, "now");
  check(61_000, "1 min");
  check(3 * 3_600_000, "3 h");
  check(14 * 3_600_000, "22:00");
  const days = byDay([at(3, { at: noon }), at(2, { at: noon - 60_000 }), at(1, { at: noon - 86_400_000 })], noon);
  expect(days.map((it) => [it.day, it.notifications.length])).toEqual([
    ["Today", 2],
    ["Yesterday", 1],
  ]);
});
