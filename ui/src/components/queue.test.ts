import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeEngine, someGpus } from "../../tests/fake/engine";
import { aMachine } from "../../tests/fake/machine";
import { anExperiment, GIB } from "../../tests/fake/make";
import { App } from "../lib/state/app.svelte";
import Frame from "../../tests/fake/Frame.svelte";

let engine: FakeEngine;
let app: App;

beforeEach(async () => {
  window.location.hash = "#/queue";
  engine = new FakeEngine();
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
});

async function show(view: "queue" | "settings" | "new" | "menu" | "sidebar" | "import") {
  await app.start();
  render(Frame, { app, view });
}

test("a menu is worked by its keys, passes over what cannot be done and gives the focus back", async () => {
  const done: string[] = [];
  await show("menu");
  const item = (label: string, more: object = {}) => ({ label, run: () => done.push(label), ...more });
  app.menu = { label: "Things", x: 10, y: 10, items: [item("One", { disabled: true }), item("Two"), { kind: "line" }, item("Three", { checked: true }), item("Trash")] };
  const menu = await screen.findByRole("menu");
  await waitFor(() => expect(document.activeElement?.textContent).toContain("Two"));
  await fireEvent.keyDown(menu, { key: "ArrowDown" });
  expect(document.activeElement?.textContent).toContain("Three");
  expect(document.activeElement?.getAttribute("aria-checked")).toBe("true");
  await fireEvent.keyDown(menu, { key: "ArrowDown" });
  await fireEvent.keyDown(menu, { key: "ArrowDown" });
  expect(document.activeElement?.textContent, "round, over the disabled one").toContain("Two");
  await fireEvent.keyDown(menu, { key: "t" });
  await fireEvent.keyDown(menu, { key: "r" });
  expect(document.activeElement?.textContent).toContain("Trash");
  await fireEvent.keyDown(menu, { key: "Enter" });
  expect([done, app.menu]).toEqual([["Trash"], null]);
  expect(app.covered).toBe(false);
});

test("the sheet queues what is typed, and shows a refusal at its field", async () => {
  engine.answers["projects.list"] = () => ({ projects: [{ name: "vit", folder: "/home/user/vit", available: true, demo: false, suggestions: [] }] });
  engine.resources = { ...engine.resources, gpus: someGpus(2, ["other", null]), no_gpus: null };
  await show("new");
  app.draft = {};
  const command = await screen.findByLabelText("Command");
  await fireEvent.input(command, { target: { value: "python3 train.py" } });
  await fireEvent.click(screen.getByRole("button", { name: /^Needs/ }));
  await fireEvent.input(screen.getByRole("textbox", { name: "GPUs" }), { target: { value: "1" } });
  await fireEvent.input(screen.getByLabelText("Memory on each GPU"), { target: { value: "40" } });
  await screen.findByText("Fits now on GPU 1.");
  expect(screen.getByRole("button", { name: /^0 RTX/ }).textContent).toContain("taken by other");

  engine.answers["experiments.add"] = () => {
    throw Object.assign(new Error("Too much."), { code: "impossible", field: "experiments[0].requirements.gpu_memory" });
  };
  await fireEvent.click(screen.getByRole("button", { name: /Queue experiment/ }));
  await screen.findByText("Too much.");
  delete engine.answers["experiments.add"];
  await fireEvent.click(screen.getByRole("button", { name: /Queue experiment/ }));
  await waitFor(() => expect(app.draft).toBeNull());
  expect(engine.last("experiments.add")?.experiments[0]).toEqual({ command: ["python3", "train.py"], cwd: "/home/user/vit", project: "vit", priority: "normal", requirements: { gpus: 1, gpu_memory: 40 * GIB } });
});

test("a sweep of many is queued only when their number was agreed to", async () => {
  engine.answers["projects.list"] = () => ({ projects: [{ name: "vit", folder: "/home/user/vit", available: true, demo: false, suggestions: [] }] });
  await show("new");
  app.draft = { command: "python3 train.py", name: "big" };
  await fireEvent.click(await screen.findByRole("button", { name: /^Sweep/ }));
  for (const [i, count] of [[1, 40], [2, 30]] as const) {
    await fireEvent.click(screen.getByRole("button", { name: "Key" }));
    await fireEvent.input(screen.getByLabelText(`Key ${i}`), { target: { value: `k${i}` } });
    await fireEvent.input(screen.getByLabelText(`Values of key ${i}`), { target: { value: Array.from({ length: count }, (_, n) => n).join(" ") } });
  }
  const agree = await screen.findByLabelText(/Yes, queue 1,200 experiments/);
  await fireEvent.click(screen.getByRole("button", { name: /^Queue 1,200 experiments/ }));
  expect(engine.count("sweeps.add")).toBe(0);
  await fireEvent.click(agree);
  await fireEvent.click(screen.getByRole("button", { name: /^Queue 1,200 experiments/ }));
  await waitFor(() => expect(app.draft).toBeNull());
  expect(engine.last("sweeps.add")).toMatchObject({ agreed: 1_200, experiment: { name: "big" } });
  expect(engine.experiments.length).toBe(1_200);
});

test("a window of the week is made, refused without days, and removed again", async () => {
  await show("settings");
  await fireEvent.click(await screen.findByRole("button", { name: "Window" }));
  await fireEvent.input(screen.getByLabelText("Name"), { target: { value: "nights" } });
  for (const day of ["Mon", "Tue", "Wed", "Thu", "Fri"]) await fireEvent.click(screen.getByRole("button", { name: day }));
  await fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("Choose the days on which it opens.");
  await fireEvent.click(screen.getByRole("button", { name: "Sat" }));
  await fireEvent.click(screen.getByRole("button", { name: "Sun" }));
  await fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("Sat, Sun");
  expect(engine.settings.windows).toEqual([{ name: "nights", days: ["sat", "sun"], from: "22:00", to: "07:00" }]);
  await fireEvent.click(screen.getByRole("button", { name: "Remove nights" }));
  await waitFor(() => expect(engine.settings.windows).toEqual([]));
});

test("a limit is a number or nothing", async () => {
  await show("settings");
  const limit = (await screen.findByLabelText("Jobs of a project")) as HTMLInputElement;
  await fireEvent.change(limit, { target: { value: "4" } });
  await waitFor(() => expect(engine.settings.per_project).toBe(4));
  await fireEvent.change(limit, { target: { value: "0" } });
  expect([engine.settings.per_project, limit.value]).toEqual([4, "4"]);
  await fireEvent.change(limit, { target: { value: "" } });
  await waitFor(() => expect(engine.settings.per_project).toBeNull());
});

test("a GPU is taken out of the queue and given back", async () => {
  const [gpu] = someGpus(1, ["vit"]);
  engine.resources = { ...engine.resources, gpus: [gpu!], no_gpus: null };
  const machine = aMachine({ now: 1_790_000_000_000, samples: 1, gpus: [{ busy: 9, memory: 1 }] });
  for (const it of machine.samples[0]!.gpus.list) it.uuid = gpu!.uuid;
  engine.answers["device.history"] = () => machine;
  await show("sidebar");
  const button = await screen.findByRole("button", { name: /^GPU 0/ });
  await fireEvent.click(button);
  expect((await screen.findAllByRole("menuitem")).map((it) => it.textContent?.trim())).toEqual(["vit", "Show in Devices", "Take out of the queue (what runs goes on)"]);
  await fireEvent.click(screen.getByText(/^Take out/));
  await screen.findByRole("button", { name: "GPU 0, out" });
  expect(app.toasts.list.at(-1)?.title).toBe("GPU 0 is out of the queue; what runs on it goes on");
  await fireEvent.click(screen.getByRole("button", { name: "GPU 0, out" }));
  await fireEvent.click(await screen.findByText("Give back to the queue"));
  await screen.findByRole("button", { name: /^GPU 0, \d/ });
});

test("what is selected is acted on from the bar, as far as its state allows", async () => {
  engine.add(anExperiment("a", "running"), anExperiment("b", "queued"), anExperiment("c", "failed"));
  await show("queue");
  const row = async (uid: string) => (await waitFor(() => document.querySelector(`[data-uid=${uid}]`) ?? Promise.reject(new Error("not yet")))) as HTMLElement;
  for (const uid of ["a", "b", "c"]) await fireEvent.click(await row(uid), { ctrlKey: true });
  const bar = await screen.findByRole("toolbar");
  const button = (name: RegExp) => [...bar.querySelectorAll("button")].find((it) => name.test(it.textContent ?? ""))!;
  expect(button(/^\s*Pause/).textContent).toMatch(/Pause\s*2/);
  expect(button(/^\s*Resume/).disabled).toBe(true);
  expect(button(/^\s*Retry/).textContent).toMatch(/Retry\s*1/);
  await fireEvent.click(button(/^\s*Retry/));
  await waitFor(() => expect(engine.get("c").status).toBe("queued"));
  await fireEvent.keyDown(screen.getByRole("grid"), { key: "Escape" });
  await waitFor(() => expect(screen.queryByRole("toolbar")).toBeNull());
});

test("an import says what is there already, and counts only what is new", async () => {
  engine.answers["projects.list"] = () => ({ projects: [{ name: "vit", folder: "/home/user/vit", available: true, demo: false, suggestions: [] }] });
  engine.add(anExperiment("20261121_0001", "queued"));
  engine.details.set("20261121_0001", { key: "k1" });
  await show("import");
  app.sheet = { kind: "import" };
  await fireEvent.input(await screen.findByLabelText("Jobs"), { target: { value: '{"command": "true", "key": "k1"}\n{"command": "true"}' } });
  await screen.findByText(/One more is there already under its key/);
  await fireEvent.click(screen.getByRole("button", { name: /^Queue 1 experiment/ }));
  await waitFor(() => expect(app.sheet).toBeNull());
  expect(engine.experiments.length).toBe(2);
  expect(app.toasts.list.at(-1)?.title).toBe("Queued true; 1 was there already under its key");
});
