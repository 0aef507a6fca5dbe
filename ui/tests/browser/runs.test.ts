// Runs on disk, from the folder that is watched to the charts of several: the window over a real engine.

import { existsSync } from "node:fs";
import { appendFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { axe, closeBrowser, ended, type Engine, openWindow, queue, shot, startEngine, until } from "./harness";

const FIXTURES = resolve(import.meta.dirname, "../../../tests/fixtures/runs");

let engine: Engine;
let folder = "";
let live = "";

/** A run as a script writes it: settings and metrics beside each other. */
async function aRun(name: string, settings: Record<string, string | number>, losses: readonly number[]): Promise<string> {
  const at = join(folder, name);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, "hparams.yaml"), Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`).join(""));
  await writeFile(join(at, "metrics.csv"), `step,loss,val/acc\n${losses.map((it, i) => `${i + 1},${it},${(1 - it / 3).toFixed(4)}`).join("\n")}\n`);
  return at;
}

beforeAll(async () => {
  engine = await startEngine(1);
  folder = join(engine.work, "runs");
  await cp(FIXTURES, folder, { recursive: true });
  await aRun("sweep/slow", { lr: 0.0001, seed: 1, model: "small" }, [2.1, 1.9, 1.8]);
  await aRun("sweep/quick", { lr: 0.01, seed: 1, model: "small" }, [2.2, 1.2, 0.9]);
  await aRun("sweep/again", { lr: 0.01, seed: 2, model: "small" }, [2.3, 1.3, 1.1]);
  live = await aRun("live", { lr: 0.001, seed: 1, model: "large" }, [2.0, 1.7]);
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const grid = (page: Page) => page.getByRole("grid", { name: "Runs" });
const row = (page: Page, name: string) => page.locator("[data-uid]", { has: page.locator(".name", { hasText: new RegExp(`^${name}$`) }) });

async function query(page: Page, text: string): Promise<void> {
  await page.keyboard.press("/");
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
}

test("a folder is watched, and every run in it stands in the table", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await page.getByRole("heading", { name: "Every run on disk, in one table" }).waitFor();
  await shot(page, "real-runs-empty");
  await page.getByLabel("Folder", { exact: true }).fill(folder);
  await page.getByRole("button", { name: "Add folder" }).click();
  await row(page, "quick").waitFor();
  await until("all that the folder holds is there", async () => {
    const { folders } = await engine.call("watch.list", {});
    return folders[0]?.looking === false && (await page.locator("a", { hasText: "Runs" }).locator("b").textContent())?.trim() === String(folders[0].runs);
  });
  await shot(page, "real-runs");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  // Where what could not be read stands, too.
  await page.getByRole("button", { name: "More for runs" }).click();
  await page.getByRole("menuitem", { name: "Watched folders" }).click();
  await page.getByText(folder).first().waitFor();
  await shot(page, "real-folders");
  await window.close();
});

test("what a pattern would read is shown while it is typed", async () => {
  const logs = join(engine.work, "logs");
  await mkdir(logs, { recursive: true });
  await writeFile(join(logs, "train.log"), ["loading", ...[1, 2, 3].map((it) => `step ${it}: loss=${(1 / it).toFixed(3)} acc=0.${it}`), ""].join("\n"));
  const window = await openWindow(engine, { url: `${engine.url}#/runs/folders` });
  const { page } = window;
  await page.getByRole("button", { name: /Add a folder|Add folder/ }).first().click();
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("Folder", { exact: true }).fill(logs);
  const field = sheet.getByLabel("Metrics that programs print");
  await field.fill("auto");
  await sheet.getByText("6 points in 3 of its first 4 lines: loss, acc").waitFor();
  await sheet.getByText("train.log").waitFor();
  expect(await axe(page), "a pattern's preview").toEqual([]);
  await shot(page, "real-pattern");
  await field.fill("step {step}: acc {acc}");
  await sheet.getByText(/^Nothing is found in its first 4 lines/).waitFor();
  await field.fill("/(/");
  await sheet.getByText(/^Bad pattern/).waitFor();
  await window.close();
});

test("runs are found by a query, with its faults shown at their place", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await row(page, "quick").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("config.l");
  await page.getByRole("option", { name: /config\.lr/ }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await until("what was chosen is in the field", async () => (await page.getByRole("combobox", { name: "Query over all runs" }).inputValue()).startsWith("config.lr"));
  await query(page, "config.lr = 0.01 and metrics.loss.min < 1");
  await until("one run matches", async () => (await page.locator("[data-uid]").count()) === 1);
  await row(page, "quick").waitFor();
  await page.getByText(/^1 of \d+$/).waitFor();
  await query(page, "confg.lr = 0.01");
  const fault = page.locator("#query-fault");
  await page.keyboard.press("/");
  await page.keyboard.press("End");
  await page.keyboard.type(" ");
  await page.keyboard.press("Escape");
  await fault.waitFor();
  expect(await fault.textContent()).toMatch(/confg/);
  await shot(page, "real-fault");
  await page.getByRole("button", { name: "Clear the query" }).click();
  await row(page, "slow").waitFor();
  await window.close();
});

test("runs are sorted, tagged, noted and grouped, and the tags are the engine's", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await row(page, "quick").waitFor();
  await query(page, "folder ~ sweep");
  await until("three runs match", async () => (await page.locator("[data-uid]").count()) === 3);
  await page.locator("[data-column=name] button").click();
  const names = () => page.locator("[data-uid] .name").allTextContents();
  await until("sorted by name", async () => (await names()).join().replaceAll(" ", "") === "again,quick,slow");
  await grid(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("2 selected", { exact: true }).waitFor();
  await page.keyboard.press("t");
  await page.getByRole("combobox", { name: "Find or make a tag" }).fill("keeper");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await until("both are tagged", async () => (await engine.call("runs.list", { query: "tag:keeper", limit: 10 })).total === 2);
  await row(page, "again").locator(".chip", { hasText: "keeper" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("End");
  await page.keyboard.press("e");
  await page.getByRole("textbox", { name: "Notes" }).fill("too slow");
  await page.keyboard.press("Control+Enter");
  await until("it is noted", async () => (await engine.call("runs.list", { query: "notes ~ slow", limit: 10 })).rows[0]?.name === "slow");
  await page.locator("[data-column='config.lr'] button").click({ button: "right" });
  await page.getByRole("menuitemradio", { name: "Group by it" }).or(page.getByRole("menuitem", { name: "Group by it" })).click();
  await until("two groups", async () => (await page.locator("[data-group]").count()) === 2);
  await page.locator("[data-group]", { hasText: "0.01" }).click();
  await row(page, "quick").waitFor();
  await shot(page, "real-groups");
  await page.getByRole("button", { name: "Group", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "No groups" }).click();
  await window.close();
});

test("how the table is looked at is saved under a name, and opened again", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await row(page, "quick").waitFor();
  await page.locator("[data-column^='spark.']").first().waitFor();
  await query(page, "folder ~ sweep");
  await until("three runs match", async () => (await page.locator("[data-uid]").count()) === 3);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save view…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("the sweep");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "the sweep" }).waitFor();
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitemradio", { name: "All runs" }).click();
  await row(page, "live").waitFor();
  await page.reload();
  await row(page, "live").waitFor();
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitemradio", { name: "the sweep" }).click();
  await until("three runs match", async () => (await page.locator("[data-uid]").count()) === 3);
  expect(await page.locator("[data-column^='spark.']").count()).toBe(1);
  await window.close();
});

test("a run that grows shows it, in the table and in its charts, and several are drawn over each other", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await row(page, "live").waitFor();
  await query(page, 'name = live or folder ~ sweep');
  await until("four runs match", async () => (await page.locator("[data-uid]").count()) === 4);
  await row(page, "live").click();
  await page.locator("aside article svg").first().waitFor();
  await page.getByRole("button", { name: "Values" }).click();
  const points = () => page.locator("aside tr", { hasText: "loss" }).first().locator("td").last().textContent();
  await until("two points", async () => (await points())?.trim() === "2");
  await appendFile(join(live, "metrics.csv"), "3,1.25,0.58\n4,0.75,0.75\n");
  await until("four points", async () => (await points())?.trim() === "4");
  await until("the table shows it, too", async () => (await row(page, "live").textContent())?.includes("0.7500") === true);
  await shot(page, "real-live");
  await page.getByRole("tab", { name: "Config" }).click();
  await page.getByRole("treeitem", { name: /model/ }).waitFor();
  await page.getByRole("tab", { name: "Files" }).click();
  await page.getByText("metrics.csv").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator("aside").waitFor({ state: "detached" });

  await grid(page).focus();
  await page.keyboard.press("Control+a");
  await page.getByText("4 selected", { exact: true }).waitFor();
  const chart = page.locator("article", { hasText: "loss" }).first();
  await chart.locator(".frame.data svg").waitFor();
  await until("a line for each run", async () => (await chart.locator(".frame.data svg path[class*='c']").count()) >= 3);
  await shot(page, "real-charts");
  await page.keyboard.press("Control+c");
  await page.getByText("Copied 4 runs as Markdown").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/\| *live *\|/);
  await window.close();
});

test("a run is found by its name from anywhere, opened on a page and taken out of the list", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/overview` });
  const { page } = window;
  await page.locator("a", { hasText: "Runs" }).locator("b").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("slow");
  const runs = page.getByRole("group", { name: "Runs" });
  await runs.getByRole("option", { name: /slow/ }).click();
  await page.getByRole("heading", { name: "slow" }).waitFor();
  await page.getByRole("button", { name: "Open on a page" }).click();
  await page.getByRole("heading", { level: 1, name: "slow" }).waitFor();
  await page.locator("article svg").first().waitFor();
  await shot(page, "real-page");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Remove from the list" }).click();
  await page.getByRole("button", { name: "Remove run" }).click();
  await grid(page).waitFor();
  await until("it is gone", async () => (await engine.call("runs.list", { query: "name = slow", limit: 1 })).total === 0);
  await window.close();
});

test("what the queue ran is a run that says where it comes from, with what the job printed", async () => {
  const cwd = join(engine.work, "queued");
  await mkdir(cwd);
  const uid = await queue(engine, "queued training", "printf 'step,loss\\n1,0.5\\n2,0.25\\n' > metrics.csv; echo from the job; echo from the file > train.log", { cwd });
  await ended(engine, uid);
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await row(page, "queued training").click();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByText("What the machine did").waitFor();
  expect(await page.locator("aside").textContent()).toContain("attempt 1");
  expect(await axe(page)).toEqual([]);
  await page.getByRole("tab", { name: "Logs" }).click();
  await page.getByRole("log").getByText("from the job").waitFor();
  await page.getByRole("combobox", { name: "File" }).selectOption({ label: "train.log · 14 B" });
  await page.getByRole("log").getByText("from the file").waitFor();
  await page.getByRole("tab", { name: "Details" }).click();
  await page.getByRole("button", { name: "queued training" }).click();
  await until("the experiment is open in its place", async () => (await page.evaluate(() => location.hash)).includes(`job=${uid}`));
  await window.close();
});

test("a folder that is watched no more takes its runs along, and nothing from the disk", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs/folders` });
  const { page } = window;
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Stop watching" }).click();
  await page.getByRole("heading", { name: "Every run on disk, in one table" }).waitFor();
  expect((await engine.call("runs.list", { query: "name = live", limit: 1 })).total).toBe(0);
  expect(existsSync(join(live, "metrics.csv"))).toBe(true);
  await page.getByRole("button", { name: "Undo" }).click();
  await until("it is back", async () => (await engine.call("runs.list", { query: "name = live", limit: 1 })).total === 1);
  await window.close();
});
