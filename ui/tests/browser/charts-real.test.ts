// Charts over a real engine: what is drawn, read and kept is the engine's.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { axe, closeBrowser, type Engine, openWindow, shot, startEngine, until } from "./harness";

const STEPS = 3_000;
let engine: Engine;
let uids: Record<string, string> = {};

const loss = (seed: number, step: number) => 2.4 * Math.exp(-step / (400 + seed * 90)) + 0.2 + 0.02 * Math.sin(step * (1.3 + seed));

beforeAll(async () => {
  engine = await startEngine(1);
  const folder = join(engine.work, "runs");
  for (const seed of [1, 2, 3, 4]) {
    const at = join(folder, `seed ${seed}`);
    await mkdir(at, { recursive: true });
    await writeFile(join(at, "hparams.yaml"), `lr: ${seed % 2 === 0 ? 0.01 : 0.001}\nseed: ${seed}\n`);
    const rows = Array.from({ length: STEPS }, (_, i) => `${i + 1},${i === 1_500 && seed === 2 ? "nan" : loss(seed, i + 1).toFixed(6)},${(0.9 - loss(seed, i + 1) / 4).toFixed(6)},${1 + Math.floor(i / 500)}`);
    await writeFile(join(at, "metrics.csv"), `step,train/loss,val/acc,epoch\n${rows.join("\n")}\n`);
  }
  await engine.call("watch.add", { path: folder, project: "demo" });
  await until("the runs are there", async () => {
    const { rows } = await engine.call("runs.list", { query: "", limit: 10 });
    uids = Object.fromEntries(rows.map((it) => [it.name, it.uid]));
    return rows.length === 4 && rows.every((it) => it.points === 3 * STEPS);
  });
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const plotOf = (page: Page, key: string): Locator => page.getByRole("application", { name: new RegExp(`^Chart of ${key};`) });
const panel = (page: Page, name: string) => page.getByRole("article", { name, exact: true });
async function at(plot: Locator, x: number, y: number) {
  const box = (await plot.locator(".window").boundingBox())!;
  return { x: box.x + box.width * x, y: box.y + box.height * y };
}
const ready = (plot: Locator) => plot.locator(".frame.data svg").waitFor({ state: "attached" });

test("what the crosshair says is what was logged, at any zoom", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs/${uids["seed 1"]}` });
  const { page } = window;
  const plot = plotOf(page, "train/loss");
  await ready(plot);
  const read = page.locator("article", { has: plot }).locator("header .read");
  const said = async () => {
    const text = (await read.innerText()).replaceAll("\n", " ").replaceAll(",", "");
    const found = /step (\d+)\s+([\d.e−-]+)/.exec(text);
    return found === null ? null : { step: Number(found[1]), value: Number(found[2]!.replaceAll("−", "-")) };
  };
  for (let turn = 0; turn < 3; turn += 1) {
    const spot = await at(plot, 0.31 + turn / 7, 0.5);
    await page.mouse.move(spot.x, spot.y);
    const now = await until("a value is read", said);
    expect(now.value).toBeCloseTo(Number(loss(1, now.step).toFixed(6)), 6);
    await page.mouse.move(2, 2);
    await until("it is gone", async () => (await said()) === null);
    // Nearer and nearer, until each point stands by itself.
    const [a, b] = [await at(plot, 0.3, 0.1), await at(plot, 0.4, 0.9)];
    await page.mouse.move(a.x, a.y);
    await page.mouse.down();
    await page.mouse.move(b.x, a.y + 3, { steps: 5 });
    await page.mouse.up();
    await until("the exact picture stands", async () => (await plot.getAttribute("data-waits")) === null);
    await page.mouse.move(2, 2);
  }
  await plot.focus();
  await page.keyboard.press("Home");
  const first = await until("the first point in sight", said);
  await page.keyboard.press("ArrowRight");
  const second = await until("the next", async () => {
    const now = await said();
    return now !== null && now.step !== first.step && now;
  });
  expect(second.step).toBe(first.step + 1);
  await page.keyboard.press("0");
  await shot(page, "real-chart-run");
  await window.close();
});

test("several runs at once: smoothed, grouped over seeds, along the epoch, on a log axis", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/charts/demo` });
  const { page } = window;
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  const plot = plotOf(page, "train/loss");
  await ready(plot);
  await until("four lines", async () => new Set(await plot.locator("[data-line]").evaluateAll((all) => all.map((it) => (it as SVGElement).dataset["line"]))).size === 4);
  const spot = await at(plot, 0.5, 0.5);
  await page.mouse.move(spot.x, spot.y);
  const tip = page.locator(".tip");
  await until("all four are read", async () => (await tip.locator("li").count()) === 4);
  const numbers = (await tip.locator("b").allInnerTexts()).map(Number);
  expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
  await shot(page, "real-charts-page");
  await page.mouse.move(2, 2);
  await page.getByRole("combobox", { name: "Smoothing" }).selectOption("exponential");
  await page.getByRole("combobox", { name: "Scale of the y axis" }).selectOption("log");
  await page.getByRole("button", { name: "Group", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "lr" }).or(page.getByRole("menuitem", { name: "lr" })).click();
  await page.getByRole("button", { name: "By lr" }).waitFor();
  await until("two lines", async () => new Set(await plot.locator("[data-line]").evaluateAll((all) => all.map((it) => (it as SVGElement).dataset["line"]))).size === 2);
  await page.getByRole("combobox", { name: "Along the x axis" }).selectOption("epoch");
  await until("the exact picture stands", async () => (await plot.getAttribute("data-waits")) === null);
  const again = await at(plot, 0.5, 0.5);
  await page.mouse.move(again.x, again.y);
  await tip.getByText(/^epoch/).waitFor();
  await shot(page, "real-charts-grouped");
  expect(await axe(page)).toEqual([]);
  await until("the page is kept", async () => {
    const { page: kept } = await engine.call("pages.get", { project: "demo" });
    return kept?.defaults.x.by === "epoch" && kept.defaults.group?.by[0] === "config.lr" && kept.panels.length === 3;
  });
  await window.close();

  const next = await openWindow(engine, { url: `${engine.url}#/charts/demo` });
  await ready(plotOf(next.page, "train/loss"));
  await next.page.getByRole("button", { name: "By lr" }).waitFor();
  expect(await next.page.locator("[data-panel]").count()).toBe(3);
  await next.close();
});

test("what another window has saved is not overwritten", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/charts/other` });
  const { page } = window;
  await page.getByRole("heading", { name: "No runs" }).waitFor();
  await page.evaluate(() => (location.hash = "#/charts"));
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  await until("it is kept", async () => (await engine.call("pages.get", { project: "" })).revision === 1);
  const { page: kept, revision } = await engine.call("pages.get", { project: "" });
  await engine.call("pages.save", { page: { ...kept!, panels: kept!.panels.slice(0, 1) }, revision });
  await ready(plotOf(page, "train/loss"));
  await plotOf(page, "train/loss").focus();
  await page.keyboard.press("Delete");
  await page.getByRole("alert").getByText(/changed in another window/).waitFor();
  await page.getByRole("button", { name: "Take theirs" }).click();
  await until("theirs is there", async () => (await page.locator("[data-panel]").count()) === 1);
  await panel(page, (await page.locator("h3").first().innerText()).trim()).waitFor();
  await window.close();
});

test("a query that says nothing is not handed over by an Enter that is quicker than its check", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/charts/demo` });
  const { page } = window;
  await ready(plotOf(page, "train/loss"));
  const field = page.getByRole("combobox", { name: "Query over all runs" });
  await field.focus();
  await page.keyboard.insertText("lr = 3");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText(/no field “lr”/i).waitFor();
  expect(await field.evaluate((it) => it === document.activeElement)).toBe(true);
  expect(await page.getByRole("alert").count()).toBe(0);
  await field.fill("config.lr = 0.01");
  await page.keyboard.press("Enter");
  await page.getByText("2 of 2 drawn").waitFor();
  expect(await page.getByRole("listbox", { name: "Runs that are drawn" }).evaluate((it) => it === document.activeElement)).toBe(true);
  await window.close();
});
