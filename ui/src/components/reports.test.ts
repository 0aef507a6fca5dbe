import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeEngine, someGpus } from "../../tests/fake/engine";
import Frame from "../../tests/fake/Frame.svelte";
import { anExperiment } from "../../tests/fake/make";
import type { Monitor } from "../lib/bindings";
import { App } from "../lib/state/app.svelte";

let engine: FakeEngine;
let app: App;

beforeEach(() => {
  window.location.hash = "#/queue";
  engine = new FakeEngine();
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
});

async function show(view: "statistics" | "watched") {
  await app.start();
  app.sheet = view === "statistics" ? { kind: "statistics" } : null;
  render(Frame, { app, view });
}

test("the statistics are asked for once, again after a change, and lead to what lasts longest", async () => {
  const run = anExperiment("longest", "running");
  engine.add(run, anExperiment("oldest", "queued"), anExperiment("done", "completed"));
  engine.resources = { ...engine.resources, gpus: someGpus(2, ["longest", null]), no_gpus: null };
  await show("statistics");
  await screen.findByText("2 h 42 min");
  screen.getByText("1 of 2");
  screen.getByText("taken");
  expect(engine.count("queue.report")).toBe(1);
  const count = (word: string) => screen.getByText(word).closest("div")?.querySelector("dd")?.textContent;
  expect([count("Completed"), count("Failed")]).toEqual(["1", "0"]);
  engine.change("longest", "failed", { status: "failed", completed_at: 4_000 });
  engine.change("oldest", "moved", {});
  await screen.findByText("nothing runs", undefined, { timeout: 3_000 });
  expect(engine.count("queue.report"), "both changes at once").toBe(2);
  await fireEvent.click(screen.getByRole("button", { name: "oldest" }));
  expect([app.sheet, app.router.job]).toEqual([null, "oldest"]);
});

test("statistics that cannot be had say why, and are asked for again", async () => {
  engine.answers["queue.report"] = () => {
    throw Object.assign(new Error("The disk is full."), { code: "disk_full" });
  };
  await show("statistics");
  await screen.findByText("The disk is full.");
  delete engine.answers["queue.report"];
  await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await screen.findByText("Mean wait", undefined, { timeout: 3_000 });
});

test("only folders that are not followed at once are told of, as long as jobs run there", async () => {
  const monitor = (folder: string, more: Partial<Monitor>): Monitor => ({ folder, files: "metrics", mode: "events", reason: null, experiments: ["one"], folders: 4, polled: 0, ...more });
  engine.monitors = [monitor("/well", {}), monitor("/nfs", { mode: "polling", polled: 4, reason: "It lies on NFS." })];
  await show("watched");
  await screen.findByText("/nfs");
  screen.getByText("Metrics appear some seconds late. It lies on NFS.");
  expect(screen.queryByText("/well")).toBeNull();
  engine.push({ kind: "monitor_update", monitor: monitor("/well", { mode: "polling", polled: 1, reason: "The limit is reached." }) });
  await screen.findByText("Metrics in 1 folder of 4 appear some seconds late. The limit is reached.");
  engine.push({ kind: "monitor_update", monitor: monitor("/well", {}) });
  engine.push({ kind: "monitor_update", monitor: monitor("/nfs", { mode: "off", reason: "The last job there has ended.", experiments: [], folders: 0 }) });
  await waitFor(() => expect(screen.queryByRole("note")).toBeNull());
  expect(engine.count("monitors.list")).toBe(1);
});
