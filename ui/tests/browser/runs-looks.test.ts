// Every state of the runs' part of the window in light and dark, small and large: readable, and operable.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { axe, closeBrowser, shot } from "./harness";
import { type Pages, startPages } from "./page";

let pages: Pages;
beforeAll(async () => {
  pages = await startPages();
}, 120_000);
afterAll(async () => {
  await pages.stop();
  await closeBrowser();
});

const grid = (page: Page) => page.getByRole("grid", { name: "Runs" });
const go = (page: Page, hash: string) => page.evaluate((to) => (location.hash = to), hash);
const table = (page: Page, change: object) => page.evaluate((to) => (window as unknown as { app: { runs: { table: { set(look: object): void } } } }).app.runs.table.set(to), change);
const sheet = (page: Page, open: object) => page.evaluate((to) => Object.assign((window as unknown as { app: object }).app, { sheet: to }), open);
const dialog = (page: Page, name: RegExp | string) => page.getByRole("dialog", { name }).waitFor();

const STATES: [string, (page: Page) => Promise<unknown>][] = [
  ["list", async () => {}],
  [
    "charts",
    async (page) => {
      await grid(page).focus();
      await page.keyboard.press("Home");
      for (let turn = 0; turn < 3; turn += 1) await page.keyboard.press("Shift+ArrowDown");
      await page.getByText("4 selected", { exact: true }).waitFor();
      await page.locator("article svg").first().waitFor();
    },
  ],
  [
    "table-only",
    async (page) => {
      await grid(page).focus();
      await page.keyboard.press("Home");
      await page.keyboard.press("x");
      await page.getByRole("radio", { name: "Table only" }).click();
      await page.locator("article svg").first().waitFor({ state: "detached" });
    },
  ],
  ["drawer", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), page.locator("aside article svg").first().waitFor())],
  ["values", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("button", { name: "Values" }).click(), page.getByRole("columnheader", { name: "Mean" }).waitFor())],
  ["config", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("tab", { name: "Config" }).click(), page.getByRole("treeitem").first().waitFor())],
  ["files", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("tab", { name: "Files" }).click(), page.getByRole("heading", { name: "Checkpoints" }).waitFor())],
  ["media", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("tab", { name: "Media" }).click(), await page.locator("article img").first().waitFor(), page.locator("article svg").last().waitFor({ state: "attached" }))],
  ["logs", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("tab", { name: "Logs" }).click(), page.getByRole("log").waitFor())],
  ["details", async (page) => (await go(page, "#/runs?run=r7k2m9qa1bc"), await page.getByRole("tab", { name: "Details" }).click(), page.getByText("What the machine did").waitFor())],
  ["page", async (page) => (await go(page, "#/runs/r7k2m9qa1bc"), page.locator("article svg").first().waitFor())],
  ["gone", async (page) => (await go(page, "#/runs/rnothere000"), page.getByRole("alert").waitFor())],
  ["groups", async (page) => (await table(page, { group: ["config.model.name", "config.lr"] }), await page.locator("[data-group]").first().click(), page.locator("[data-uid]").first().waitFor())],
  ["completion", async (page) => (await page.keyboard.press("/"), await page.keyboard.type("metrics.val"), page.getByRole("option").first().waitFor())],
  ["fault", async (page) => (await page.keyboard.press("/"), await page.keyboard.type("statu = failed and x"), page.locator("#query-fault").waitFor())],
  ["nothing", async (page) => (await table(page, { query: "name ~ nothinglikeit" }), page.getByText("No run matches").waitFor())],
  ["columns", async (page) => (await page.keyboard.press("c"), dialog(page, "Columns"))],
  ["tags", async (page) => (await grid(page).focus(), await page.keyboard.press("Home"), await page.keyboard.press("t"), dialog(page, /^Tags of/))],
  ["notes", async (page) => (await grid(page).focus(), await page.keyboard.press("Home"), await page.keyboard.press("e"), dialog(page, /^Notes of/))],
  ["menu", async (page) => (await grid(page).focus(), await page.keyboard.press("Home"), await page.keyboard.press("Shift+F10"), page.getByRole("menu").waitFor())],
  ["export", async (page) => (await sheet(page, { kind: "runs", what: "export", uids: null }), dialog(page, /^Export/))],
  ["view", async (page) => (await sheet(page, { kind: "runs", what: "view" }), dialog(page, "Save view"))],
  ["add", async (page) => (await sheet(page, { kind: "runs", what: "watch" }), dialog(page, "Add a folder"))],
  ["folders", async (page) => (await go(page, "#/runs/folders"), await page.getByRole("button", { name: /could not be read/ }).click(), page.getByText("line 2,041").waitFor())],
  ["palette", async (page) => (await page.keyboard.press("Control+k"), await page.keyboard.type("no distill seed"), page.getByRole("group", { name: "Runs" }).waitFor())],
];

const SIZES = [[900, 600], [1440, 900]] as const;

for (const dark of [false, true]) {
  // Each theme and each size once; all of them where somebody wants the pictures.
  for (const [width, height] of SIZES.filter(([wide]) => process.env["ATHANOR_SHOTS"] !== undefined || dark === (wide === 900))) {
    test(`${dark ? "dark" : "light"}, ${width}×${height}`, { timeout: 240_000 }, async () => {
      for (const [name, reach] of STATES) {
        const window = await pages.open("/runs", { dark, width, height });
        const { page } = window;
        await page.locator("[data-uid]").first().waitFor();
        await reach(page);
        await page.evaluate(() => document.fonts.ready);
        await shot(page, `runs-${name}-${dark ? "dark" : "light"}-${width}`);
        expect.soft(await axe(page), name).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect.soft(wide, `${name} does not scroll sideways`).toBe(0);
        await window.close();
      }
      const window = await pages.open("/runs", { dark, width, height, query: "runs=0" });
      await window.page.getByRole("heading", { name: "Every run on disk, in one table" }).waitFor();
      await shot(window.page, `runs-empty-${dark ? "dark" : "light"}-${width}`);
      expect.soft(await axe(window.page), "empty").toEqual([]);
      await window.close();
    });
  }
}
