// A page of charts: made with one click, arranged, kept, and as quick with hundreds of panels as with ten.

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
declare const runs: { runs: { row: { uid: string; project: string | null }; metrics: Record<string, number[]> }[]; tell(uids: string[], structure?: boolean): void };

const calls = (page: Page, method: string) => page.evaluate((of) => engine.asked.filter((it) => it.method === of).length, method);
const stored = async (page: Page, project: string) => ((await page.evaluate((of) => engine.call("pages.get", { project: of }), project)) as Commands["pages.get"]["output"]).page as ChartPage;
const titles = (page: Page) =>
  page.locator("[data-panel]").evaluateAll((all) =>
    all
      .map((it) => ({ box: it.getBoundingClientRect(), name: it.querySelector("h3")?.textContent ?? "" }))
      .sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left)
      .map((it) => it.name),
  );
const panel = (page: Page, name: string) => page.getByRole("article", { name, exact: true });
const drawnAll = (page: Page) => until("all in sight are drawn", async () => (await page.locator("[data-panel]").count()) > 0 && (await page.locator("div.grid[aria-busy=true]").count()) === 0 && (await page.locator("[data-panel]:not(:has(.frame svg))").count()) === 0);

async function full(look: { dark?: boolean; width?: number; height?: number } = {}) {
  const window = await pages.open("/charts/vit-distill", look);
  const { page } = window;
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  await drawnAll(page);
  return { window, page };
}

test("one click makes a chart for each metric, in sections by prefix; the page is there again", async () => {
  const window = await pages.open("/charts/vit-distill");
  const { page } = window;
  await page.getByText("No charts yet").waitFor();
  await shot(page, "charts-empty");
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  await drawnAll(page);
  await page.getByRole("button", { name: /^train 1$/ }).waitFor();
  await page.getByRole("button", { name: /^val 2$/ }).waitFor();
  await shot(page, "charts-page");
  await until("it is saved", async () => (await stored(page, "vit-distill"))?.panels.length === 7);
  await page.getByRole("button", { name: /^val 2$/ }).click();
  await panel(page, "val/acc").waitFor({ state: "detached" });
  await until("that is saved, too", async () => (await stored(page, "vit-distill")).sections.some((it) => it.name === "val" && it.folded));
  await page.evaluate(() => (location.hash = "#/runs"));
  await page.getByRole("grid", { name: "Runs" }).waitFor();
  await page.evaluate(() => (location.hash = "#/charts/vit-distill"));
  await page.getByRole("button", { name: /^val 2$/, expanded: false }).waitFor();
  await panel(page, "train/loss").waitFor();
  await window.close();
});

test("panels are moved by dragging and by keys, resized by both, and stay where they were put", async () => {
  const { window, page } = await full();
  const grip = (name: string) => page.getByRole("button", { name: new RegExp(`^Move ${name}:`) });
  const [first, second, third] = (await titles(page)) as [string, string, string];
  const [a, b] = [(await grip(third).boundingBox())!, (await panel(page, first).boundingBox())!];
  await page.mouse.move(a.x + 4, a.y + 6);
  await page.mouse.down();
  await page.mouse.move(b.x + 90, b.y + 60, { steps: 8 });
  await shot(page, "charts-drag");
  await page.mouse.move(b.x + 40, b.y + 60, { steps: 3 });
  await page.mouse.up();
  await until("it stands first", async () => (await titles(page)).slice(0, 3).join() === [third, first, second].join());
  await grip(third).focus();
  await page.keyboard.press("ArrowRight");
  await until("it stands second, and has the focus", async () => (await titles(page)).slice(0, 2).join() === [first, third].join() && (await grip(third).evaluate((it) => it === document.activeElement)));
  const wide = (await panel(page, third).boundingBox())!;
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  await until("it is wider and higher", async () => {
    const now = (await panel(page, third).boundingBox())!;
    return now.width > wide.width + 40 && now.height === wide.height + 20;
  });
  const box = (await panel(page, first).boundingBox())!;
  await page.mouse.move(box.x + box.width - 4, box.y + box.height - 4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 120, box.y + box.height + 56, { steps: 6 });
  await page.mouse.up();
  await until("so is the one whose corner was dragged", async () => {
    const now = (await panel(page, first).boundingBox())!;
    return now.width > box.width + 60 && now.height === box.height + 60;
  });
  await until("all of it is saved", async () => {
    const it = await stored(page, "vit-distill");
    return it.panels.some((one) => one.columns === 5 && one.height === 250) && it.panels.some((one) => one.height === 290);
  });
  const before = await titles(page);
  await page.evaluate(() => (location.hash = "#/overview"));
  await page.getByRole("heading", { name: "Running" }).waitFor();
  await page.evaluate(() => (location.hash = "#/charts/vit-distill"));
  await drawnAll(page);
  expect(await titles(page)).toEqual(before);
  await window.close();
});

test("charts are added by name, edited, found, duplicated and removed, without a pointer", async () => {
  const window = await pages.open("/charts");
  const { page } = window;
  await page.getByText("No charts yet").waitFor();
  await page.keyboard.press("a");
  const sheet = page.getByRole("dialog", { name: "Add a chart" });
  await sheet.getByRole("option", { name: /train\/loss/ }).waitFor();
  await page.keyboard.type("loss");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await sheet.getByText("2 chosen").waitFor();
  await shot(page, "charts-add");
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Control+Enter");
  await sheet.waitFor({ state: "detached" });
  await drawnAll(page);
  const [one, two] = await titles(page);
  expect([one, two].sort()).toEqual(["train/loss", "val/loss"]);
  const focused = (name: string) => until(`${name} has the focus`, async () => page.evaluate((of) => document.activeElement?.getAttribute("aria-label")?.startsWith(`Chart of ${of}`) === true, name));
  await focused(one!);
  await page.keyboard.press("Alt+ArrowDown");
  await focused(two!);
  await panel(page, "val/loss").getByRole("application").focus();
  await page.keyboard.press("e");
  const edit = page.getByRole("dialog", { name: "Edit val/loss" });
  await edit.getByRole("textbox", { name: "Title" }).fill("What counts");
  await edit.getByRole("combobox", { name: "Scale of the y axis" }).selectOption("log");
  await edit.getByText("Not as the page: y scale.").waitFor();
  await page.keyboard.press("Control+Enter");
  await panel(page, "What counts").waitFor();
  const asked = (await page.evaluate(() => engine.asked.findLast((it) => it.method === "runs.chart" && (it.input as { lines: { keys: string[] } }).lines.keys[0] === "val/loss")?.input)) as Commands["runs.chart"]["input"];
  await until("it is drawn so", async () => ((await page.evaluate(() => engine.asked.findLast((it) => it.method === "runs.chart" && (it.input as { lines: { keys: string[] } }).lines.keys[0] === "val/loss")?.input)) as typeof asked).lines.y_scale === "log");
  // What is said for the page is so for all that do not say it themselves.
  await page.getByRole("combobox", { name: "Smoothing" }).selectOption("gaussian");
  await until("both are smoothed", async () => {
    const last = await page.evaluate(() => ["train/loss", "val/loss"].map((key) => (engine.asked.findLast((it) => it.method === "runs.chart" && (it.input as { lines: { keys: string[] } }).lines.keys[0] === key)?.input as Commands["runs.chart"]["input"]).lines));
    return last.every((it) => it.smoothing.kind === "gaussian") && last[1]!.y_scale === "log" && last[0]!.y_scale === "linear";
  });
  await page.keyboard.press("Control+f");
  await page.keyboard.type("counts");
  await until("one is found", async () => (await titles(page)).join() === "What counts");
  await page.keyboard.press("Escape");
  await until("both again", async () => (await titles(page)).length === 2);
  await panel(page, "What counts").getByRole("application").focus();
  await page.keyboard.press("Delete");
  await until("it is gone", async () => (await titles(page)).length === 1);
  await page.getByRole("button", { name: "Undo" }).click();
  await panel(page, "What counts").waitFor();
  await window.close();
});

test("every kind of plot can be added, and what is in it pointed at", async () => {
  const window = await pages.open("/charts/vit-distill");
  const { page } = window;
  await page.getByText("No charts yet").waitFor();
  for (const kind of ["bar", "box", "scatter", "parallel", "importance", "sweep", "usage"]) {
    await page.getByRole("button", { name: "Add chart" }).first().click();
    const sheet = page.getByRole("dialog", { name: "Add a chart" });
    await sheet.getByRole("option", { name: /train\/loss/ }).waitFor();
    await sheet.getByRole("combobox", { name: "Kind" }).selectOption(kind);
    await shot(page, `charts-kind-${kind}`);
    await sheet.getByRole("button", { name: "Add chart" }).click();
    await sheet.waitFor({ state: "detached" });
  }
  await drawnAll(page);
  const kinds = await page.evaluate(() => [...new Set(engine.asked.filter((it) => it.method === "plots.draw").map((it) => (it.input as Commands["plots.draw"]["input"]).plot.kind))]);
  expect(kinds.sort()).toEqual(["bar", "box", "importance", "parallel", "scatter", "sweep", "usage"]);
  const plot = page.getByRole("application", { name: /^Plot of/ }).first();
  await plot.focus();
  await page.keyboard.press("ArrowDown");
  await plot.locator(".tip").waitFor();
  await shot(page, "charts-plots");
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Run" }).waitFor();
  expect(await page.evaluate(() => location.hash)).toMatch(/^#\/charts\/vit-distill\?run=/);
  await window.close();
});

test("runs are shown and hidden at the side, by keys too, brought out, and narrowed by a query", async () => {
  const { window, page } = await full();
  const list = page.getByRole("listbox", { name: "Runs that are drawn" });
  const lines = () => panel(page, "train/loss").locator("g[data-line]").count();
  await until("eight lines", async () => (await lines()) === 8);
  await list.getByRole("option").first().hover();
  await until("the others step back", async () => (await panel(page, "train/loss").locator(".back").count()) === 7);
  await list.getByRole("option").nth(1).click();
  await until("seven", async () => (await lines()) === 7);
  await list.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press(" ");
  await until("six", async () => (await lines()) === 6);
  await page.keyboard.press("o");
  await until("one", async () => (await lines()) === 1);
  await page.getByRole("button", { name: "Which runs are drawn" }).click();
  await page.getByRole("menuitem", { name: "Show the newest, no others" }).click();
  await until("eight again", async () => (await lines()) === 8);
  await page.keyboard.press("/");
  await page.keyboard.type("tag:baseline");
  await page.keyboard.press("Enter");
  await until("two", async () => (await lines()) === 2);
  await until("the list, too", async () => (await list.getByRole("option").count()) === 2);
  await list.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Run" }).waitFor();
  await until("it is kept", async () => (await stored(page, "vit-distill")).query === "tag:baseline");
  await window.close();
});

test("a page that was changed elsewhere is not overwritten", async () => {
  const { window, page } = await full();
  await until("it is saved", async () => (await stored(page, "vit-distill"))?.panels.length === 7);
  await page.evaluate(async () => {
    const { page: there, revision } = (await engine.call("pages.get", { project: "vit-distill" })) as { page: object; revision: number };
    await engine.call("pages.save", { page: { ...there, panels: [] }, revision });
  });
  await panel(page, "train/loss").getByRole("application").focus();
  await page.keyboard.press("Delete");
  await page.getByRole("alert").getByText(/changed in another window/).waitFor();
  await shot(page, "charts-conflict");
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Keep mine" }).click();
  await until("mine is kept", async () => (await stored(page, "vit-distill")).panels.length === 6);
  await page.getByRole("alert").waitFor({ state: "detached" });
  await window.close();
});

test("of three hundred panels only those near the screen are there, and none is drawn twice", async () => {
  const window = await pages.open("/charts/many", {
    query: "runs=10",
  });
  const { page } = window;
  await page.evaluate(() => {
    for (const [i, run] of runs.runs.entries()) {
      if (i >= 10) break;
      run.row.project = "many";
      run.metrics = Object.fromEntries(Array.from({ length: 300 }, (_, m) => [`layer.${m}/norm`, Array.from({ length: 200 }, (_, s) => Math.sin((s + m + i) / 9) + m)]));
    }
    runs.tell([], true);
  });
  await page.getByRole("button", { name: "A chart for each metric" }).click();
  await drawnAll(page);
  await page.getByRole("button", { name: "More for charts", exact: true }).click();
  await page.keyboard.press("Escape");
  const there = await page.locator("[data-panel]").count();
  expect(there).toBeLessThan(40);
  const begin = await calls(page, "runs.chart");
  const scroller = page.locator("div.grid");
  /** The page has heard of it when this is done. */
  const scrollTo = (to: number) =>
    scroller.evaluate((it, y) => {
      it.scrollTop = y;
      return new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
    }, to);
  const end = await scroller.evaluate((it) => it.scrollHeight);
  for (let y = 0; y < end; y += 500) {
    await scrollTo(y);
    await drawnAll(page);
    expect(await page.locator("[data-panel]").count()).toBeLessThan(40);
  }
  const once = await calls(page, "runs.chart");
  expect(once - begin + there, "each was drawn once").toBeLessThanOrEqual(300 + there);
  for (let y = end; y >= 0; y -= 500) {
    await scrollTo(y);
    await drawnAll(page);
  }
  expect((await calls(page, "runs.chart")) - once, "what has not changed is not drawn again").toBe(0);
  await window.close();
});

for (const dark of [false, true]) {
  test(`it can be read and operated, ${dark ? "dark" : "light"}`, async () => {
    for (const [width, height] of [[900, 600], [1440, 900]] as const) {
      const { window, page } = await full({ dark, width, height });
      const plot = page.getByRole("application", { name: /^Chart of train\/loss/ });
      await plot.focus();
      await page.keyboard.press("End");
      await page.locator(".tip").waitFor();
      await shot(page, `charts-${dark ? "dark" : "light"}-${width}`);
      expect.soft(await axe(page)).toEqual([]);
      expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
      await window.close();
    }
  });
}
