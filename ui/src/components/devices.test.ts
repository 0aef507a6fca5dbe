import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeEngine } from "../../tests/fake/engine";
import { nextSample } from "../../tests/fake/machine";
import { useMachine } from "../../tests/fake/machines";
import Frame from "../../tests/fake/Frame.svelte";
import { aScene } from "../../tests/fake/scene";
import { App } from "../lib/state/app.svelte";

const NOW = Date.now();
let engine: FakeEngine;
let app: App;

beforeEach(() => {
  window.location.hash = "#/devices";
  engine = new FakeEngine();
  aScene(engine, NOW);
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
});

async function show(machine: string) {
  const of = useMachine(engine, machine, NOW);
  await app.start();
  render(Frame, { app, view: "devices" });
  await screen.findByRole("heading", { name: "workstation" });
  if (of === null) throw new Error(`there is no machine ${machine}`);
  return of;
}

const row = (name: RegExp) => screen.getAllByRole("row").find((it) => within(it).queryByRole("rowheader")?.textContent?.match(name));

test("a GPU that was lost says so and what to do, and shows no number", async () => {
  await show("lost");
  const lost = row(/^2/);
  expect(lost?.textContent).toContain("It has fallen off the bus.");
  expect(lost?.textContent).toContain("Restart the machine");
  expect(lost?.textContent).not.toMatch(/\d\s*%|°C| W/);
  // One that tells of its memory alone: dashes with their reason, and the memory.
  const bare = row(/^3/);
  expect(bare?.textContent).toContain("Temperature: the device does not report it");
  expect(bare?.textContent).not.toMatch(/(^|\s)0\s*%/);
  expect(bare?.textContent).toMatch(/\d+\.\d of 48 GiB/);
});

test("a driver that does not answer is told once, with the next step", async () => {
  await show("silent");
  const note = screen.getByRole("note", { name: "" });
  expect(note.textContent).toContain("NVIDIA driver does not answer");
  expect(note.textContent).toContain("sudo dmesg");
  expect(screen.getAllByText(/sudo dmesg/)).toHaveLength(1);
  expect(screen.queryByRole("heading", { name: "Processes" }), "nothing is known of processes").toBeNull();
});

test("no driver is no fault", async () => {
  await show("none");
  expect(screen.getByText("No NVIDIA driver")).toBeTruthy();
  expect(document.querySelector(".fault")).toBeNull();
  expect(screen.getByText("Jobs that ask for no GPU run as usual.")).toBeTruthy();
});

test("instances stand below their GPU under its number", async () => {
  await show("mig");
  expect(screen.getAllByRole("rowheader").map((it) => it.querySelector("b")?.textContent)).toEqual(["0", "1", "1:0", "1:1", "1:2"]);
  expect(row(/^1/)?.textContent).toContain("divided into 3 instances");
});

test("a new sample keeps every element, and what ran before is let go", async () => {
  const machine = await show("busy");
  await screen.findByRole("heading", { name: "Processes" });
  const before = [...document.querySelectorAll("canvas, [role=row], tbody tr")];
  expect(before.length).toBeGreaterThan(12);
  for (let step = 1; step <= 3; step += 1) engine.push({ kind: "device_update", sample: nextSample(machine, step) });
  await waitFor(() => expect(app.sample?.at).toBe(NOW + 3_000));
  expect([...document.querySelectorAll("canvas, [role=row], tbody tr")]).toEqual(before);
  expect(app.samples.filter((it) => it.gpus.list.some((gpu) => gpu.processes !== null))).toHaveLength(1);
});

test("processes are narrowed down, sorted and worked by keys; their order rests while one reads", async () => {
  const machine = await show("eight");
  const rows = () => [...document.querySelectorAll<HTMLElement>("tbody tr")];
  await waitFor(() => expect(rows()).toHaveLength(70));
  await fireEvent.click(screen.getByRole("radio", { name: "Mine" }));
  expect(rows()).toHaveLength(6);
  await fireEvent.click(screen.getByRole("button", { name: "Busy" }));
  const order = () => rows().map((it) => it.dataset["key"]);
  const was = order();
  expect(screen.getByRole("columnheader", { name: "Busy" }).getAttribute("aria-sort")).toBe("descending");
  // Now the others are the busy ones: the numbers change, the places do not.
  for (const gpu of machine.gpus ?? []) gpu.busy = 100 - (gpu.busy ?? 0);
  engine.push({ kind: "device_update", sample: nextSample(machine, 1) });
  await waitFor(() => expect(app.sample?.at).toBe(NOW + 1_000));
  await waitFor(() => expect(rows()[0]?.querySelector(".busy")?.textContent).toMatch(/^[0-2]\s%$/));
  expect(order()).toEqual(was);
  await fireEvent.click(screen.getByRole("button", { name: "Busy" }));
  await fireEvent.click(screen.getByRole("button", { name: "Busy" }));
  expect(order(), "until it is asked for anew").not.toEqual(was);

  const [first, second] = rows();
  first?.focus();
  await fireEvent.keyDown(first as HTMLElement, { key: "ArrowDown" });
  expect(document.activeElement).toBe(second);
  expect(rows().filter((it) => it.tabIndex === 0)).toEqual([second]);
  await fireEvent.keyDown(second as HTMLElement, { key: "Enter" });
  expect(app.router.job).toBe(rowUid(second));
  await fireEvent.keyDown(second as HTMLElement, { key: "Delete" });
  await waitFor(() => expect(app.question?.title).toContain("Cancel"));
});

const rowUid = (row: HTMLElement | undefined) => app.samples.at(-1)?.gpus.list.flatMap((gpu) => (gpu.processes?.state === "value" ? gpu.processes.value.map((it) => ({ key: `${gpu.uuid} ${it.pid}`, uid: it.experiment })) : [])).find((it) => it.key === row?.dataset["key"])?.uid;

test("somebody looks as long as the view is there, and says so again", async () => {
  await show("busy");
  expect(engine.last("device.look")).toEqual({ for_ms: 60_000 });
  const before = engine.count("device.look");
  engine.push({ kind: "resync", cursor: 0 });
  await waitFor(() => expect(engine.count("device.look")).toBeGreaterThan(before));
  cleanup();
  const after = engine.count("device.look");
  engine.push({ kind: "resync", cursor: 0 });
  await waitFor(() => expect(engine.count("device.history")).toBeGreaterThan(2));
  expect(engine.count("device.look")).toBe(after);
});

test("a machine that is not heard of any more turns stale, then disconnected", async () => {
  useMachine(engine, "busy", NOW - 45_000);
  await app.start();
  render(Frame, { app, view: "devices" });
  expect((await screen.findByText("stale")).parentElement?.textContent).toMatch(/4[5-9] s ago/);
  app.connection = "gone";
  await screen.findByText("disconnected");
});
