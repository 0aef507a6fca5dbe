// The machine: GPUs that a script makes busy, lost and whole again, read by the real engine through the driver's own
// interface; what ran on them when; and the view at every size.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AMachine, driverFault } from "../fake/machine";
import { MACHINES } from "../fake/machines";
import { axe, BIN, closeBrowser, type Engine, openWindow, shot, startEngine, takeMachine, until, type Window } from "./harness";

const GIB = 1024 ** 3;
type Script = { driver?: string; cuda?: number; generation?: number; faults?: object; gpus: Gpu[] };
type Gpu = { uuid: string; faults?: object; processes?: { pid: number; memory?: number; utilisation?: number }[] } & Record<string, unknown>;

const gpu = (index: number, more: object = {}): Gpu => ({
  uuid: `GPU-00000000-0000-4000-8000-00000000000${index}`,
  name: "NVIDIA RTX 6000 Ada Generation",
  memory_total: 48 * GIB,
  memory_used: GIB / 2,
  utilisation: 0,
  memory_utilisation: 0,
  temperature: 40 + index,
  fans: [30],
  clock: 210,
  memory_clock: 405,
  power: 25,
  power_limit: 300,
  follow: { memory: 20 * GIB, utilisation: { mean: 80, swing: 15, period: 8 }, power: 210 },
  ...more,
});

let folder = "";
let engine: Engine;
let jobs: string[] = [];

async function script(is: Script): Promise<void> {
  const path = join(folder, "gpus.json");
  await writeFile(`${path}.new`, JSON.stringify({ driver: "560.35.03", cuda: 12_060, ...is }));
  await rename(`${path}.new`, path);
}

const four = (more: object = {}) => [gpu(0), gpu(1), gpu(2, { memory_used: 0, processes: [{ pid: process.pid, memory: 6 * GIB, utilisation: 0 }] }), gpu(3, more)];

beforeAll(async () => {
  const library = ["libathanor_nvml_test.so", "deps/libathanor_nvml_test.so"].map((it) => join(BIN, "..", it)).find(existsSync);
  if (library === undefined) throw new Error("the library in the place of NVIDIA's is not built: cargo build -p athanor-nvml-test");
  folder = await mkdtemp(join(tmpdir(), "athanor-gpus-"));
  await script({ gpus: four() });
  engine = await startEngine(2, { ATHANOR_NVML: library, ATHANOR_NVML_SCRIPT: join(folder, "gpus.json") });
  const job = (name: string) => ({ name, command: "exec sleep 600", cwd: engine.work, requirements: { gpus: 1 } });
  const added = await engine.call("experiments.add", { experiments: [job("vit-s16 distill"), job("unet++ seed 1")] });
  jobs = added.experiments.map((it) => it.uid);
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
  await rm(folder, { recursive: true, force: true });
});

async function open(look: Parameters<typeof openWindow>[1] = {}): Promise<{ window: Window; page: Page }> {
  const window = await openWindow(engine, { url: `${engine.url}#/devices`, ...look });
  await window.page.getByRole("table", { name: "GPUs" }).or(window.page.getByText(/driver/).first()).first().waitFor();
  return { window, page: window.page };
}
const gpuRow = (page: Page, index: number) => page.getByRole("table", { name: "GPUs" }).getByRole("row").nth(index + 1);

test("jobs stand at their GPUs and among the processes, and are opened from there", async () => {
  const { window, page } = await open();
  await gpuRow(page, 0).getByRole("button", { name: "vit-s16 distill" }).waitFor();
  await gpuRow(page, 1).getByRole("button", { name: "unet++ seed 1" }).waitFor();
  await gpuRow(page, 0).getByText("20.5 of 48 GiB").waitFor();
  await page.locator("header").getByText(/driver 560.35.03, CUDA 12.6/).waitFor();
  const row = page.locator("tbody tr", { hasText: "vit-s16 distill" });
  await row.getByText("20.0 GiB").waitFor();
  // Somebody else's is told by its command line, and is no job of ours.
  await page.locator("tbody tr", { hasText: String(process.pid) }).getByText("6.0 GiB").waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "devices-jobs");
  await row.click();
  await page.getByRole("complementary", { name: /vit-s16/ }).or(page.getByRole("log")).first().waitFor();
  expect(page.url()).toContain(`job=${jobs[0]}`);
  await until("the engine has told what it uses", async () => (await engine.call("experiments.get", { uid: jobs[0]! })).attempts[0]?.gpu_use?.utilisation);
  await page.getByRole("tab", { name: "Metrics" }).click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.locator(".courses svg").nth(1).waitFor();
  await page.getByText("GPU memoryup to 20.0 GiB").waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "devices-attempt");
  await window.close();
});

test("new samples change numbers and pictures, and move nothing", async () => {
  const { window, page } = await open();
  await until("both jobs are seen on their GPUs", async () => (await page.locator("tbody tr .swatch").count()) === 2);
  await until("and have their bars", async () => (await page.locator(".lane .jobs button").count()) === 2);
  const seen = await page.evaluate(async () => {
    const boxes = () => [...document.querySelectorAll<HTMLElement>(".gpus .row > *, .gpus .draw, h1, h2, h3, tbody td, .machine section, .machine .line, .region .frame")].map((it) => {
      const { left, top, width, height } = it.getBoundingClientRect();
      return `${it.className || it.tagName} ${[left, top, width, height].map((one) => one.toFixed(1)).join(" ")}`;
    });
    const before = boxes();
    let made = 0;
    const elements = new MutationObserver((list) => (made += list.filter((it) => [...it.addedNodes].some((node) => node.nodeType === 1)).length));
    // The chart of the history is drawn anew as time goes, with other ticks.
    for (const part of document.querySelectorAll(".gpus, tbody, .machine")) elements.observe(part, { subtree: true, childList: true });
    const first = document.querySelector(".strip canvas")!;
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    elements.disconnect();
    const after = boxes();
    return { count: before.length, moved: after.filter((it, i) => it !== before[i]), made, same: first.isConnected };
  });
  expect(seen.count).toBeGreaterThan(60);
  expect(seen).toMatchObject({ moved: [], made: 0, same: true });
  await window.close();
});

test("a GPU that falls off the bus, a driver that was replaced, and both whole again", async () => {
  const { window, page } = await open({ dark: true });
  await gpuRow(page, 3).getByText("43 °C").waitFor();
  await script({ gpus: four({ faults: { "*": "gpu_is_lost" } }) });
  await gpuRow(page, 3).locator(".fault").waitFor();
  await page.getByText("4, 1 fault").waitFor();
  expect(await gpuRow(page, 3).innerText()).not.toMatch(/\d\s*%|°C/);
  await gpuRow(page, 0).getByText("40 °C").waitFor();
  await page.getByRole("navigation").getByText("fault").waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "devices-lost");

  await script({ gpus: four() });
  await gpuRow(page, 3).getByText("43 °C").waitFor();

  await script({ gpus: four(), generation: 1, faults: { nvmlInitWithFlags: "lib_rm_version_mismatch", nvmlInit_v2: "lib_rm_version_mismatch" } });
  await page.getByRole("note").getByText("NVIDIA driver versions differ").waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "devices-mismatch");
  await script({ gpus: four(), generation: 2 });
  await gpuRow(page, 3).getByText("43 °C").waitFor();
  await page.getByRole("note").waitFor({ state: "detached" });
  await window.close();
});

test("the history is read with the keys, zoomed by dragging, and saved", async () => {
  const { window, page } = await open();
  const region = page.getByRole("application", { name: /^Chart of GPU utilisation/ });
  await region.locator(".lane svg").nth(3).waitFor();
  await until("a bar for each job", async () => (await region.getByRole("group").getByRole("button").count()) >= 2);
  await region.focus();
  await page.keyboard.press("ArrowLeft");
  await region.locator(".cross").waitFor();
  await region.locator(".name", { hasText: "%" }).first().waitFor();
  await page.keyboard.press("Escape");
  expect(await region.locator(".cross").count()).toBe(0);

  // One alone is a chart of its own, with a scale.
  await region.getByRole("button", { name: /^GPU 1/ }).click();
  await region.locator(".frame text", { hasText: "100%" }).waitFor();
  const area = (await region.boundingBox())!;
  await page.mouse.move(area.x + area.width * 0.8, area.y + 60);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.95, area.y + 70, { steps: 5 });
  await region.locator(".chosen").waitFor();
  await page.mouse.up();
  await page.getByRole("button", { name: /^Back to now/ }).waitFor();
  expect(await page.getByRole("radiogroup", { name: "Time" }).getByRole("radio", { checked: true }).count()).toBe(0);
  expect(await axe(page)).toEqual([]);
  await shot(page, "devices-history");
  await region.focus();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Back to now/ }).waitFor({ state: "detached" });

  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save what is shown as CSV" }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe("gpu1-gpu.util.csv");
  const [head, ...rows] = (await readFile((await file.path())!, "utf8")).trim().split("\n");
  expect(head).toBe("time,min,mean,max,samples");
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.every((row) => /^\d{4}-\d\d-\d\dT[\d:.]+Z(,[\d.]+){3},\d+$/.test(row))).toBe(true);

  await page.getByRole("button", { name: "Show all" }).click();
  await region.locator(".lane svg").nth(3).waitFor();
  await region.getByRole("group").getByRole("button").first().click();
  expect(page.url()).toContain("job=");
  await page.getByLabel("Metric").selectOption("mem.used");
  await page.getByRole("application", { name: /^Chart of Memory/ }).locator(".frame text", { hasText: "GiB" }).first().waitFor();
  await window.close();
});

test("a GPU is taken out of the queue and given back with the keys alone", async () => {
  const { window, page } = await open();
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  await page.getByRole("heading", { name: "Finished" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.getByRole("button", { name: "More for GPU 3" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Take out of the queue" }).waitFor();
  await page.keyboard.press("t");
  await page.keyboard.press("Enter");
  await gpuRow(page, 3).getByText("out of the queue").waitFor();
  await page.getByRole("button", { name: "More for GPU 3" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Give back to the queue" }).click();
  await gpuRow(page, 3).getByText("out of the queue").waitFor({ state: "detached" });
  await window.close();
});

const SIZES = [[900, 600], [1280, 800], [2560, 1440]] as const;

test("eight GPUs with ten processes each, at every size, in light and dark", async () => {
  const busy = Array.from({ length: 8 }, (_, i) => gpu(i, { name: "NVIDIA H100 80GB HBM3", memory_total: 80 * GIB, utilisation: { mean: 50 + i * 6, swing: 8, period: 10 + i }, processes: Array.from({ length: 10 }, (_, n) => ({ pid: 100_000 + i * 10 + n, memory: 3 * GIB, utilisation: 5 })) }));
  await script({ gpus: busy });
  for (const dark of [false, true]) {
    for (const [width, height] of SIZES) {
      const { window, page } = await open({ dark, width, height });
      await until("all of their processes", async () => (await page.locator("tbody tr").count()) >= 80);
      await page.locator(".region svg").first().waitFor();
      expect(await axe(page)).toEqual([]);
      const wide = await page.evaluate(() => [document.documentElement.scrollWidth - document.documentElement.clientWidth, document.documentElement.scrollHeight - document.documentElement.clientHeight]);
      expect(wide, "only the view scrolls").toEqual([0, 0]);
      await shot(page, `devices-eight-${dark ? "dark" : "light"}-${width}`);
      await window.close();
    }
  }
  await script({ gpus: four() });
});

test.each<[string, (now: number) => AMachine]>([
  ["hundred", (now) => MACHINES["hundred"]!(now, jobs)],
  ["none", (now) => MACHINES["none"]!(now, jobs)],
  ["mig", (now) => MACHINES["mig"]!(now, jobs)],
  ["silent", (now) => MACHINES["silent"]!(now, jobs)],
  ["permission", (now) => ({ now, driver: { version: null, cuda: null, fault: driverFault("no_permission") } })],
])("the machine as it may be: %s", async (name, machine) => {
  for (const dark of [false, true]) {
    const { window, page } = await open({ dark, width: 1280, height: 800, prepare: (page) => takeMachine(page, machine(0)) });
    await page.getByRole("heading", { name: "workstation" }).waitFor();
    await page.waitForTimeout(300);
    expect(await axe(page)).toEqual([]);
    await shot(page, `devices-${name}-${dark ? "dark" : "light"}`);
    await window.close();
  }
});
