// How quick a page of charts is, over a real engine: how long sixty panels take from the first sight of the page to the
// last picture, how long frames are while three hundred are scrolled through, how long a step of zoom takes to the exact
// picture, and how long a large chart of long runs takes from its request to the frame that shows it. ATHANOR_BIN names the
// program, best a release build.

import { appendFile, mkdir, writeFile } from "node:fs/promises";
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

/** Metrics of the long runs: each is drawn cold once. */
const LONG = 4;
const LONG_POINTS = Number(process.env["LONG_POINTS"] ?? 1_000_000);

test("a large chart of long runs", async () => {
  const folder = join(engine.work, "long");
  const rows = 10_000;
  for (let run = 0; run < RUNS; run += 1) {
    const at = join(folder, `long ${run}`);
    await mkdir(at, { recursive: true });
    const path = join(at, "metrics.csv");
    await writeFile(path, `step,${Array.from({ length: LONG }, (_, m) => `m${m}`).join(",")}\n`);
    for (let from = 0; from < LONG_POINTS; from += rows) {
      let text = "";
      for (let step = from + 1; step <= from + rows; step += 1) {
        const fall = 2 * Math.exp((-4 * step) / LONG_POINTS) + run / 50;
        text += `${step}${Array.from({ length: LONG }, () => `,${(fall + 0.2 * Math.random()).toFixed(5)}`).join("")}\n`;
      }
      await appendFile(path, text);
    }
  }
  await engine.call("watch.add", { path: folder, project: "long" });
  await until("the long runs are read", async () => {
    const { rows: all } = await engine.call("runs.list", { query: "project = long", limit: 20 });
    return all.length === RUNS && all.every((it) => it.points === LONG * LONG_POINTS);
  });
  const page: ChartPage = {
    project: "long",
    query: "",
    hidden: [],
    shown: [],
    newest: RUNS,
    defaults: PLAIN,
    sections: [],
    panels: Array.from({ length: LONG }, (_, m): Panel => ({ id: `m${m}`, title: null, section: "", columns: 12, height: 960, own: [], legend: false, chart: { kind: "lines", ...PLAIN, keys: [`m${m}`] } })),
  };
  // One chart after the other: each is alone on its page.
  const [cold, size]: [number[][], string[]] = [[], []];
  const window = await openWindow(engine, {
    url: `${engine.url}#/settings`,
    width: 2_100,
    height: 1_120,
    ratio: 2,
    prepare: async (it) =>
      it.addInitScript(() => {
        // From the call for pictures to their answer, to the end of painting, and to the frame after that.
        const ask = globalThis.fetch;
        const times: number[][] = [];
        Object.assign(globalThis, { times });
        globalThis.fetch = (...call: Parameters<typeof fetch>) => {
          const [address] = call;
          const began = performance.now();
          const answer = ask(...call);
          if (String(address).includes("runs.charts"))
            void answer.then(() => {
              const parts = [performance.now() - began];
              const part = () => parts.push(performance.now() - began);
              const seen = new MutationObserver(() => {
                if (document.querySelector("[data-panel] .frame.data svg path") === null) return;
                seen.disconnect();
                requestAnimationFrame(() => {
                  // A message that is sent before a frame is painted comes when it was.
                  const after = new MessageChannel();
                  after.port1.onmessage = part;
                  after.port2.postMessage(null);
                  requestAnimationFrame(() => {
                    part();
                    times.push(parts);
                  });
                });
              });
              seen.observe(document, { subtree: true, childList: true });
            });
          return answer;
        };
      }),
  });
  const view = window.page;
  for (let turn = 0; turn < LONG; turn += 1) {
    const { revision } = await engine.call("pages.get", { project: "long" });
    await engine.call("pages.save", { page: { ...page, panels: page.panels.slice(turn, turn + 1) }, revision });
    await view.evaluate(() => (location.hash = "#/settings"));
    await view.getByRole("heading", { name: "Settings" }).waitFor();
    await view.evaluate(() => (location.hash = "#/charts/long"));
    await until("it is there", async () => (await view.evaluate(() => (globalThis as unknown as { times: number[][] }).times.length)) > turn);
    const plot = await view.locator("[data-panel] [role=application]").boundingBox();
    size.push(`${Math.round(plot?.width ?? 0)} by ${Math.round(plot?.height ?? 0)}`);
    cold.push(await view.evaluate((at) => (globalThis as unknown as { times: number[][] }).times[at] ?? [], turn));
  }
  console.log(`a chart of ${RUNS} runs of ${LONG_POINTS} points, ${size[0]} pixels at ratio 2, cold, from request to answer, to painted, to the next frame: ${cold.map((it) => it.map((part) => part.toFixed(0)).join(" / ")).join(", ")} ms`);
  const plot = view.locator("[data-panel] [role=application]");
  await plot.focus();
  const steps: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    steps.push(
      await view.evaluate(
        (key) =>
          new Promise<number>((done) => {
            const began = performance.now();
            document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            const wait = () => (document.querySelector("[data-waits]") === null ? requestAnimationFrame(() => done(performance.now() - began)) : requestAnimationFrame(wait));
            requestAnimationFrame(wait);
          }),
        turn < 8 ? "+" : "-",
      ),
    );
  }
  console.log(`a step of zoom of it, from the key to the frame after the exact picture: ${steps.map((it) => it.toFixed(0)).join(", ")} ms`);
  await window.close();
});
