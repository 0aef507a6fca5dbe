import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeEngine } from "../../tests/fake/engine";
import { sketch, useHistory, type Wanted } from "../../tests/fake/history";
import { uuidOf } from "../../tests/fake/machine";
import { useMachine } from "../../tests/fake/machines";
import Frame from "../../tests/fake/Frame.svelte";
import { aScene } from "../../tests/fake/scene";
import { CallError } from "../lib/host/host";
import { App } from "../lib/state/app.svelte";
import { MachineHistory } from "../lib/state/history.svelte";

const NOW = Date.now();
const HOUR = 3_600_000;
let engine: FakeEngine;
let app: App;
let drawn: Wanted[];

beforeEach(() => {
  window.location.hash = "#/devices";
  // The page of the tests has no layout.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
  engine = new FakeEngine();
  aScene(engine, NOW);
  useMachine(engine, "busy", NOW);
  drawn = [];
  useHistory(engine, [0, 1, 2, 3].map((index) => ({ uuid: uuidOf(index), index, name: "NVIDIA H100" })), () => NOW, (wanted) => {
    drawn.push(wanted);
    return sketch(wanted);
  });
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
  vi.restoreAllMocks();
});

async function show() {
  await app.start();
  render(Frame, { app, view: "devices" });
  const region = await screen.findByRole("application", { name: /^Chart of GPU utilisation/ });
  await waitFor(() => expect(region.querySelectorAll(".lane svg")).toHaveLength(4));
  return region;
}
/** Longer than the pictures keep apart: one that was asked for would have been drawn. */
const waitPastTheNextPicture = () => new Promise((resolve) => setTimeout(resolve, 400));
const last = () => engine.last("history.chart");

test("several GPUs stand below each other, each with its jobs; one alone is a chart with a scale", async () => {
  const region = await show();
  expect(engine.asked.filter((it) => it.method === "history.chart").slice(-4).map((it) => (it.input as { series: { gpu: string }[] }).series.map((of) => of.gpu))).toEqual([0, 1, 2, 3].map((it) => [uuidOf(it)]));
  expect(last()).toMatchObject({ since: NOW - HOUR, until: NOW });
  await fireEvent.click(within(region).getByRole("button", { name: "GPU 2" }));
  await waitFor(() => expect(last()?.series).toEqual([{ metric: "gpu.util", gpu: uuidOf(2) }]));
  await waitFor(() => expect(region.querySelectorAll(".lane")).toHaveLength(0));
  expect(last()?.height).toBeGreaterThan(150);
  // Two are still drawn together.
  await fireEvent.click(screen.getByRole("button", { name: "GPU 3", pressed: false }));
  await waitFor(() => expect(last()?.series).toHaveLength(2));
  await fireEvent.click(screen.getByRole("button", { name: "Show all" }));
  await waitFor(() => expect(region.querySelectorAll(".lane svg")).toHaveLength(4));
});

test("keys read it, zoom into it, move along and come back to now", async () => {
  const region = await show();
  region.focus();
  const key = (name: string, more: object = {}) => fireEvent.keyDown(region, { key: name, ...more });
  await key("ArrowLeft");
  expect(region.querySelector(".cross")).not.toBeNull();
  expect(document.querySelector("[aria-live]:not([role])")?.textContent).toMatch(/GPU 0 \d+\s%.*GPU 3/);
  await key("+");
  await waitFor(() => expect((last()?.until ?? 0) - (last()?.since ?? 0)).toBe(HOUR / 2));
  expect(screen.getByRole("button", { name: /^Back to now/ })).toBeTruthy();
  await waitFor(() => expect(drawn.at(-1)?.until).toBe(last()?.until));
  await key("PageUp");
  await waitFor(() => expect(last()?.until).toBeLessThan(NOW - HOUR / 4));
  await key("PageDown");
  await key("PageDown");
  await waitFor(() => expect(last()?.until).toBe(NOW));
  expect(screen.queryByRole("button", { name: /^Back to now/ })).toBeNull();
  await key("Escape");
  expect(region.querySelector(".cross")).toBeNull();
  expect(app.router.place.view).toBe("devices");
});

test("what ran at a moment is opened from there", async () => {
  const region = await show();
  region.focus();
  await fireEvent.keyDown(region, { key: "ArrowLeft" });
  await fireEvent.keyDown(region, { key: "Enter" });
  await waitFor(() => expect(app.menu?.label).toBe("What ran then"));
  expect(app.menu?.items.length).toBeGreaterThan(1);
  app.menu = null;
  const [bar] = within(region).getAllByRole("button").filter((it) => it.closest(".jobs"));
  await fireEvent.click(bar!);
  expect(app.router.job).toBe(engine.section("active").find((it) => bar?.getAttribute("aria-label")?.startsWith(it.name))?.uid);
});

test("a picture is drawn anew as time goes, as often as it would change", async () => {
  await show();
  const count = () => engine.count("history.chart");
  const before = count();
  const sample = app.sample!;
  engine.push({ kind: "device_update", sample: { ...sample, at: NOW + 1_000 } });
  engine.push({ kind: "device_update", sample: { ...sample, at: NOW + 30_000 } });
  await waitFor(() => expect(count()).toBe(before + 4));
  // What was zoomed into is over.
  await fireEvent.keyDown(screen.getByRole("application"), { key: "+" });
  await waitFor(() => expect(count()).toBe(before + 8));
  engine.push({ kind: "device_update", sample: { ...sample, at: NOW + 120_000 } });
  await waitPastTheNextPicture();
  expect(count()).toBe(before + 8);
});

test("a refusal is said with the next step, and nothing recorded is no fault", async () => {
  engine.answers["history.metrics"] = () => {
    throw new CallError({ code: "disk_full", message: "The history cannot be read." });
  };
  await app.start();
  render(Frame, { app, view: "devices" });
  await screen.findByText("The history cannot be read.");
  engine.answers["history.metrics"] = () => ({ series: [], begins_at: null });
  engine.push({ kind: "resync", cursor: 0 });
  await screen.findByText(/^Nothing is recorded yet/);
});

test("all that is shown is written as one table, page by page", async () => {
  await app.start();
  const history = new MachineHistory(app);
  const stop = history.follow();
  history.width = 800;
  await waitFor(() => expect(history.series).not.toBeNull());
  history.redraw();
  await waitFor(() => expect(history.charts.length).toBe(4));
  const place = { from: 5, until: 9, step_ms: 1_000 };
  engine.answers["history.csv"] = ({ series, after }) =>
    after === undefined
      ? { name: "gpu.csv", text: `time,min,mean,max,samples\n${series.gpu?.slice(4, 5)}a,1,2,3,4\n`, next: place }
      : { name: "gpu.csv", text: `${series.gpu?.slice(4, 5)}b,1,2,3,4\n`, next: null };
  const all = await history.csv();
  expect(all?.text.split("\n")).toEqual(["of,time,min,mean,max,samples", ...[0, 1, 2, 3].flatMap((it) => [`GPU ${it},${it}a,1,2,3,4`, `GPU ${it},${it}b,1,2,3,4`]), ""]);
  expect([all?.rows, all?.name]).toEqual([8, "gpu.util.csv"]);
  history.toggle(uuidOf(1), true);
  expect((await history.csv())?.text).toBe("time,min,mean,max,samples\n1a,1,2,3,4\n1b,1,2,3,4\n");
  stop();
});
