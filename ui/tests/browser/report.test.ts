// Reports from a page of charts: chosen, seen before they are saved, and kept with the page.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { ChartPage, Commands } from "../../src/lib/bindings";
import { axe, closeBrowser, shot, until } from "./harness";
import { type Pages, startPages } from "./page";

let pages: Pages;
beforeAll(async () => {
  pages = await startPages();
}, 120_000);
afterAll(async () => {
  await pages.stop();
  await closeBrowser();
});

// What the page has of its engine; they are used in the page alone.
declare const engine: { asked: { method: string; input: unknown }[]; call(method: string, input: object): Promise<unknown> };

const stored = async (page: Page) => ((await page.evaluate(() => engine.call("pages.get", { project: "vit-distill" }))) as Commands["pages.get"]["output"]).page as ChartPage;
const asked = (page: Page) => page.evaluate(() => engine.asked.filter((it) => it.method === "reports.make").at(-1)?.input) as Promise<Commands["reports.make"]["input"]>;
const sheet = (page: Page) => page.getByRole("dialog", { name: "Report" });
const figures = (page: Page) => sheet(page).locator("figure").count();

async function full(look: { dark?: boolean; width?: number; height?: number } = {}) {
  const window = await pages.open("/charts/vit-distill", look);
  const { page } = window;
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  await until("charts are drawn", async () => (await page.locator("[data-panel]").count()) > 0);
  return { window, page };
}

test("a report of a page is chosen with keys alone, seen, saved, and kept with the page", async () => {
  const { window, page } = await full();
  await page.keyboard.press("Control+p");
  await sheet(page).getByRole("heading", { level: 1, name: "vit-distill" }).waitFor();
  await until("all charts are in it", async () => (await figures(page)) === 7);
  await page.keyboard.type("Distillation");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Smaller <b>and</b> better");
  await sheet(page).getByRole("heading", { level: 1, name: "Distillation" }).waitFor();
  await sheet(page).getByText("Smaller <b>and</b> better").last().waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  const box = sheet(page).getByRole("checkbox", { name: "val/acc" });
  await box.focus();
  await page.keyboard.press("Space");
  await until("it is left out, and the table", async () => (await figures(page)) === 6 && (await sheet(page).getByRole("table").count()) === 0);
  await sheet(page).getByText("6 of 7 charts").waitFor();
  await shot(page, "report-sheet");
  expect(await axe(page)).toEqual([]);
  await sheet(page).getByRole("radio", { name: "HTML" }).focus();
  await page.keyboard.press("ArrowRight");
  await until("a PDF is chosen", () => sheet(page).getByRole("radio", { name: "PDF" }).isChecked());
  await page.keyboard.press("Control+Enter");
  await until("a PDF is made", async () => (await asked(page)).format === "pdf");
  await page.keyboard.press("Escape");
  await sheet(page).waitFor({ state: "detached" });
  await until("it is kept", async () => (await stored(page)).report?.title === "Distillation");
  expect((await stored(page)).report).toMatchObject({ notes: "Smaller <b>and</b> better", no_table: true, without: ["metric val/acc"] });
  await page.keyboard.press("Control+p");
  await until("it begins with that", async () => (await figures(page)) === 6);
  expect(await sheet(page).getByRole("textbox", { name: "Title" }).inputValue()).toBe("Distillation");
  await page.keyboard.press("Escape");
  await sheet(page).waitFor({ state: "detached" });
  await window.close();
});

test("sections are ticked together, Markdown is text, and an empty report says what is missing", async () => {
  const { window, page } = await full({ dark: true });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("report of what");
  await page.keyboard.press("Enter");
  await until("it is there", async () => (await figures(page)) === 7);
  await sheet(page).getByRole("checkbox", { name: "val", exact: true }).click();
  await until("its two charts are left out", async () => (await figures(page)) === 5);
  await sheet(page).getByRole("radio", { name: "Markdown" }).click();
  await sheet(page).getByText("**Figure 5.**", { exact: false }).waitFor();
  await shot(page, "report-markdown-dark");
  expect(await axe(page)).toEqual([]);
  await sheet(page).getByRole("radio", { name: "HTML" }).click();
  await sheet(page).getByRole("button", { name: "None" }).click();
  await until("only the table is left", async () => (await figures(page)) === 0 && (await sheet(page).getByRole("table").count()) === 1);
  await shot(page, "report-dark");
  await window.close();
});

test("on a small window the preview stands below", async () => {
  const { window, page } = await full({ width: 700, height: 620 });
  await page.keyboard.press("Control+p");
  await until("it is there", async () => (await figures(page)) === 7);
  await shot(page, "report-small");
  expect(await axe(page)).toEqual([]);
  await window.close();
});
