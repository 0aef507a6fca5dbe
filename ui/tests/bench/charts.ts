// How quick a page of charts is, over a real engine: how long sixty panels take from the first sight of the page to the
// last picture, how long frames are while three hundred are scrolled through, and how long a step of zoom takes to the
// exact picture. ATHANOR_BIN names the program, best a release build.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";

import type { ChartPage, Panel } from "../../src/lib/bindings";
import { PLAIN } from "../../src/lib/charts/spec";
import { closeBrowser, type Engine, openWindow, startEngine, until } from "../browser/harness";

const RUNS = 10;
const METRICS = 300;
const POINTS = Number(process.env["POINTS"] ?? 1_000);
let engine: Engine;

beforeAll(async () => {
  engine = await startEngine(1);
  const folder = join(engine.work, "runs");
  for (let run = 0; run < RUNS; run += 1) {
    const at = join(folder, `run ${run}`);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, "hparams.yaml"), `seed: ${run}\n`);
    const rows = [`step,${Array.from({ length: METRICS }, (_, m) => `l/${m}`).join(",")}`];
    for (let step = 1; step <= POINTS; step += 1) rows.push(`${step},${Array.from({ length: METRICS }, (_, m) => (Math.sin((step + run * 31) / (9 + (m % 17))) + m + Math.cos(step * 7.13 + m) / 5).toFixed(4)).join(",")}`);
    await writeFile(join(at, "metrics.csv"), rows.join("\n") + "\n");
  }
  await engine.call("watch.add", { path: folder, project: "bench" });
  await until("the runs are read", async () => {
    const { rows } = await engine.call("runs.list", { query: "", limit: 20 });
    return rows.length === RUNS && rows.every((it) => it.points === METRICS * POINTS);
  });
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

async function save(project: string, many: number, columns: number, height: number): Promise<void> {
  const panels = Array.from({ length: many }, (_, m): Panel => ({ id: `p${m}`, title: null, section: "", columns, height, own: [], legend: null, chart: { kind: "lines", ...PLAIN, keys: [`l/${m}`] } }));
  const page: ChartPage = { project, query: "", hidden: [], shown: [], newest: RUNS, defaults: PLAIN, sections: [], panels };
  await engine.call("pages.save", { page, revision: (await engine.call("pages.get", { project })).revision });
}

const drawn = (page: Page, many: number) => page.waitForFunction((of) => document.querySelectorAll("[data-panel] .frame.data svg").length >= of, many, { polling: "raf" });

test("sixty panels", async () => {
  await save("bench", 60, 1, 150);
  const window = await openWindow(engine, { url: `${engine.url}#/settings`, width: 3_400, height: 1_500 });
  const { page } = window;
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    await page.evaluate(() => (location.hash = "#/settings"));
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    const began = await page.evaluate(() => {
      location.hash = "#/charts/bench";
      return performance.now();
    });
    await drawn(page, 60);
    times.push((await page.evaluate(() => new Promise<number>((done) => requestAnimationFrame(() => done(performance.now()))))) - began);
  }
  console.log(`60 panels of ${RUNS} runs with ${POINTS} points: ${times.map((it) => it.toFixed(0)).join(", ")} ms to the last picture`);
  await window.close();
});

test("three hundred panels", async () => {
  await save("bench", METRICS, 4, 230);
  const window = await openWindow(engine, { url: `${engine.url}#/charts/bench` });
  const { page } = window;
  await drawn(page, 9);
  for (const [what, by] of [["first way down", 60], ["and up again", -60], ["at a jump of a screen each 100 ms", 0]] as const) {
    const frames = await page.evaluate(
      (speed) =>
        new Promise<number[]>((done) => {
          const scroller = document.querySelector("div.grid")!;
          const spans: number[] = [];
          let last = performance.now();
          let jumped = last;
          if (speed === 0) scroller.scrollTop = 0;
          const step = (now: number) => {
            spans.push(now - last);
            last = now;
            const before = scroller.scrollTop;
            if (speed !== 0) scroller.scrollTop += speed;
            else if (now - jumped > 100) {
              jumped = now;
              scroller.scrollTop += scroller.clientHeight;
            }
            const end = speed < 0 ? scroller.scrollTop <= 0 : scroller.scrollTop >= scroller.scrollHeight - scroller.clientHeight - 1;
            if (end && (speed === 0 || scroller.scrollTop === before)) done(spans.slice(2));
            else requestAnimationFrame(step);
          };
          requestAnimationFrame(step);
        }),
      by,
    );
    const sorted = [...frames].sort((a, b) => a - b);
    const share = (part: number) => (sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? 0).toFixed(1);
    console.log(`300 panels, ${what}: ${frames.length} frames, median ${share(0.5)} ms, 99 % ${share(0.99)} ms, longest ${share(1)} ms, ${frames.filter((it) => it > 33.4).length} over 33 ms`);
  }
  await page.locator("div.grid").evaluate((it) => (it.scrollTop = 0));
  const plot = page.getByRole("application", { name: /^Chart of l\/0/ });
  await plot.focus();
  const steps: number[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const began = await page.evaluate(() => performance.now());
    await page.keyboard.press("+");
    await page.waitForFunction(() => document.querySelector("[data-waits]") === null, undefined, { polling: "raf" });
    steps.push((await page.evaluate(() => performance.now())) - began);
  }
  console.log(`a step of zoom, to the exact picture of all charts in sight: ${steps.map((it) => it.toFixed(0)).join(", ")} ms`);
  await window.close();
});
