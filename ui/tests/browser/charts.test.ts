// A chart under the hand, with real pointer events: what is dragged, turned and typed is what is seen.

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { Commands } from "../../src/lib/bindings";
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
declare const engine: { asked: { method: string; input: unknown }[]; answers: Record<string, (input: unknown) => unknown> };
declare const runs: { runs: { row: { uid: string }; metrics: Record<string, number[]> }[]; tell(uids: string[]): void };

const RUN = "r7k2m9qa1bc";
type Drawn = Commands["runs.chart"]["input"];

/** Keeps back all pictures of line charts that are asked for from now on. */
async function hold(page: Page) {
  type Held = { held: (() => void)[] };
  await page.evaluate(() => {
    const { answers } = engine;
    const draw = answers["runs.chart"]!;
    const held: (() => void)[] = [];
    Object.assign(globalThis, { held });
    answers["runs.chart"] = (input) => new Promise((done) => held.push(() => done(draw(input))));
  });
  return {
    held: () => page.evaluate(() => (globalThis as unknown as Held).held.length),
    release: () => page.evaluate(() => (globalThis as unknown as Held).held.splice(0).forEach((it) => it())),
  };
}

/** What the engine was asked to draw last, of a metric. */
const drawn = (page: Page, key: string) =>
  page.evaluate((of) => engine.asked.findLast((it) => it.method === "runs.chart" && (it.input as { lines: { keys: string[] } }).lines.keys[0] === of)?.input, key) as Promise<Drawn | undefined>;
const calls = (page: Page, method: string) => page.evaluate((of) => engine.asked.filter((it) => it.method === of).length, method);
const plotOf = (page: Page, key: string): Locator => page.getByRole("application", { name: new RegExp(`^Chart of ${key};`) });

async function open(look: { dark?: boolean; width?: number; height?: number } = {}) {
  const window = await pages.open(`/runs/${RUN}`, look);
  const { page } = window;
  await page.locator("article svg").first().waitFor();
  await until("all in sight are drawn", async () => (await page.locator("article").count()) === (await page.locator("article", { has: page.locator(".frame.data svg") }).count()) || (look.height ?? 900) < 900);
  await plotOf(page, "train/loss").locator(".frame.data svg").waitFor();
  return { window, page };
}

/** A point of a plot's data area, as shares from its left and top. */
async function at(plot: Locator, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = (await plot.locator(".window").boundingBox())!;
  return { x: box.x + box.width * x, y: box.y + box.height * y };
}

async function drag(page: Page, plot: Locator, from: [number, number], to: [number, number], button: "left" | "middle" = "left"): Promise<void> {
  const [a, b] = [await at(plot, ...from), await at(plot, ...to)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down({ button });
  await page.mouse.move((a.x + b.x) / 2, (a.y + b.y) / 2, { steps: 4 });
  await page.mouse.move(b.x, b.y, { steps: 4 });
  await page.mouse.up({ button });
}

test("a box zooms, x in all charts and y in its own; a double click shows everything again", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  const home = (await drawn(page, "train/loss"))!;
  expect(home.view).toEqual({ x: null, y: null });
  await drag(page, plot, [0.25, 0.2], [0.75, 0.6]);
  const zoomed = await until("the exact picture is asked for", async () => {
    const it = await drawn(page, "train/loss");
    return it?.view?.x ? it : null;
  });
  const [low, high] = zoomed.view!.x!;
  // 71 steps from 1 on.
  expect(low).toBeCloseTo(1 + 70 * 0.25, 0);
  expect(high).toBeCloseTo(1 + 70 * 0.75, 0);
  expect(zoomed.view!.y).not.toBeNull();
  const other = await until("the other charts follow on x", async () => {
    const it = await drawn(page, "val/acc");
    return it?.view?.x ? it : null;
  });
  expect(other.view!.x).toEqual(zoomed.view!.x);
  expect(other.view!.y, "and stay on y").toBeNull();
  await shot(page, "chart-zoomed");
  const middle = await at(plot, 0.5, 0.5);
  await page.mouse.dblclick(middle.x, middle.y);
  await until("everything again", async () => {
    const [one, two] = [await drawn(page, "train/loss"), await drawn(page, "val/acc")];
    return one?.view?.x === null && one.view.y === null && two?.view?.x === null;
  });
  await window.close();
});

test("a thin drag zooms one axis; Escape in the middle of a drag leaves all as it was", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  await drag(page, plot, [0.2, 0.5], [0.6, 0.52]);
  await until("x alone", async () => {
    const it = await drawn(page, "train/loss");
    return it?.view?.x && it.view.y === null;
  });
  await plot.press("0");
  await until("everything", async () => (await drawn(page, "train/loss"))?.view?.x === null);
  await drag(page, plot, [0.5, 0.2], [0.51, 0.8]);
  await until("y alone", async () => {
    const it = await drawn(page, "train/loss");
    return it?.view?.y && it.view.x === null;
  });
  await plot.press("Escape");
  await until("everything", async () => (await drawn(page, "train/loss"))?.view?.y === null);
  const before = await calls(page, "runs.chart");
  const [a, b] = [await at(plot, 0.2, 0.2), await at(plot, 0.8, 0.8)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 5 });
  await plot.locator(".box").waitFor();
  await page.keyboard.press("Escape");
  await plot.locator(".box").waitFor({ state: "detached" });
  await page.mouse.up();
  expect(await calls(page, "runs.chart")).toBe(before);
  await window.close();
});

test("the wheel scrolls the page of charts; with Ctrl it zooms around the pointer, on an axis or with Shift y", async () => {
  const { window, page } = await open({ height: 620 });
  const plot = plotOf(page, "train/loss");
  const spot = await at(plot, 0.3, 0.5);
  await page.mouse.move(spot.x, spot.y);
  await page.mouse.wheel(0, 60);
  await until("it has scrolled", async () => (await page.locator(".charts").evaluate((it) => it.scrollTop)) > 0);
  expect((await drawn(page, "train/loss"))!.view!.x).toBeNull();
  await page.mouse.wheel(0, -600);
  await until("it is back", async () => (await page.locator(".charts").evaluate((it) => it.scrollTop)) === 0);
  const there = await at(plot, 0.3, 0.5);
  await page.mouse.move(there.x, there.y);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  const it = await until("x is zoomed", async () => {
    const now = await drawn(page, "train/loss");
    return now?.view?.x ? now : null;
  });
  const [low, high] = it.view!.x!;
  expect(high - low).toBeLessThan(70);
  expect((1 + 70 * 0.3 - low) / (high - low), "what was under the pointer still is").toBeCloseTo(0.3, 1);
  await page.keyboard.down("Control");
  await page.keyboard.down("Shift");
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Shift");
  await page.keyboard.up("Control");
  await until("y is zoomed, too", async () => (await drawn(page, "train/loss"))?.view?.y);
  await window.close();
});

test("an axis is dragged to move it, and at its end to scale it; the middle button and Space pan", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  await drag(page, plot, [0.5, 1.06], [0.4, 1.06]);
  const moved = await until("x has moved", async () => {
    const now = await drawn(page, "train/loss");
    return now?.view?.x ? now : null;
  });
  expect(moved.view!.x![1] - moved.view!.x![0]).toBeCloseTo(70, 5);
  expect(moved.view!.x![0]).toBeCloseTo(1 + 7, 0);
  await plot.press("0");
  await until("everything", async () => (await drawn(page, "train/loss"))?.view?.x === null);
  await drag(page, plot, [0.9, 1.06], [0.45, 1.06]);
  const scaled = await until("x is scaled", async () => {
    const now = await drawn(page, "train/loss");
    return now?.view?.x && now.view.x[1] > 100 ? now : null;
  });
  expect(scaled.view!.x![0]).toBeCloseTo(1, 5);
  expect(scaled.view!.x![1]).toBeCloseTo(1 + 140, -1);
  await plot.press("0");
  await until("everything", async () => (await drawn(page, "train/loss"))?.view?.x === null);
  await drag(page, plot, [0.5, 0.5], [0.7, 0.5], "middle");
  const panned = await until("x is panned", async () => {
    const now = await drawn(page, "train/loss");
    return now?.view?.x ? now : null;
  });
  expect(panned.view!.x![0]).toBeCloseTo(1 - 14, 0);
  await plot.press("0");
  await until("everything", async () => (await drawn(page, "train/loss"))?.view?.x === null);
  await page.keyboard.down(" ");
  await drag(page, plot, [0.5, 0.5], [0.3, 0.5]);
  await page.keyboard.up(" ");
  await until("x is panned", async () => ((await drawn(page, "train/loss"))?.view?.x?.[0] ?? 0) > 10);
  await window.close();
});

test("while the exact picture is on its way the old one is scaled; of what was wanted meanwhile only the newest is drawn", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  const pictures = await hold(page);
  const before = await calls(page, "runs.chart");
  await plot.focus();
  for (let turn = 0; turn < 5; turn += 1) await plot.press("+");
  const transform = () => plot.locator(".moves").evaluate((it) => new DOMMatrix(getComputedStyle(it).transform).a);
  expect(await transform()).toBeCloseTo(1 / 0.8 ** 5, 3);
  expect(await plot.getAttribute("data-waits")).toBe("");
  const asked = await page.evaluate(() => engine.asked.filter((it) => it.method === "runs.chart" && (it.input as Drawn).lines.keys[0] === "train/loss").length);
  expect(asked - 1, "one at a time").toBe(1);
  expect(before).toBeGreaterThan(0);
  await until("the exact picture stands", async () => {
    await pictures.release();
    return (await plot.getAttribute("data-waits")) === null;
  });
  expect(await transform()).toBe(1);
  const end = await page.evaluate(() => engine.asked.filter((it) => it.method === "runs.chart" && (it.input as Drawn).lines.keys[0] === "train/loss").length);
  expect(end - asked, "five steps of zoom were two pictures").toBe(1);
  await window.close();
});

test("a pointer over a picture whose axis is about to change points at nothing until the new one stands", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  const pictures = await hold(page);
  await page.getByRole("combobox", { name: "Along the x axis" }).selectOption("epoch");
  await until("it is asked for", async () => (await pictures.held()) > 0);
  const reads = await calls(page, "runs.read");
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.move(box.x + box.width / 2 + 3, box.y + box.height / 2);
  expect(await calls(page, "runs.read")).toBe(reads);
  await until("it is read there", async () => {
    await pictures.release();
    return (await page.getByRole("article", { name: "train/loss" }).getByText(/^epoch/).count()) > 0;
  });
  await window.close();
});

test("the crosshair reads exact values, in all charts at the same step, and by the keyboard from point to point", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  const spot = await at(plot, 0.5, 0.5);
  await page.mouse.move(spot.x, spot.y);
  const values = await page.evaluate((uid) => runs.runs.find((it) => it.row.uid === uid)!.metrics, RUN);
  const head = (key: string) => page.locator("article", { has: plotOf(page, key) }).locator("header .read");
  const exact = (value: number) => String(Number(value.toPrecision(7))).replace("-", "−");
  await until("the value stands in the head", async () => (await head("train/loss").innerText()).includes("step 36"));
  expect(await head("train/loss").innerText()).toContain(exact(values["train/loss"]![35]!));
  await until("and in the other chart's", async () => (await head("val/acc").innerText()).includes("step 36"));
  expect(await head("val/acc").innerText()).toContain(exact(values["val/acc"]![35]!));
  expect(await plotOf(page, "val/acc").locator(".cross").count()).toBe(1);
  await page.mouse.move(2, 2);
  await until("it is gone", async () => (await page.locator(".cross").count()) === 0);

  await plot.focus();
  await page.keyboard.press("Home");
  await until("the first", async () => (await head("train/loss").innerText()).includes("step 1"));
  for (let step = 2; step <= 4; step += 1) {
    await page.keyboard.press("ArrowRight");
    await until(`step ${step}`, async () => (await head("train/loss").innerText()).includes(`step ${step}`));
    expect(await head("train/loss").innerText()).toContain(exact(values["train/loss"]![step - 1]!));
  }
  await page.keyboard.press("ArrowLeft");
  await until("step 3", async () => (await head("train/loss").innerText()).includes("step 3"));
  await page.keyboard.press("End");
  await until("the last", async () => (await head("train/loss").innerText()).includes("step 71"));
  expect(await plot.locator("[aria-live]").textContent()).toContain(exact(values["train/loss"]![70]!));
  await page.keyboard.press("Escape");
  await until("it is gone", async () => (await page.locator(".cross").count()) === 0);
  await window.close();
});

test("only charts of changed runs are drawn again, and those out of sight not before they are seen", async () => {
  const { window, page } = await open();
  const before = await calls(page, "runs.chart");
  await page.evaluate(() => runs.tell(["rb8c4js9kf2"]));
  await page.evaluate((uid) => runs.tell([uid]), RUN);
  const charts = await page.locator("article").count();
  await until("each was drawn once more", async () => (await calls(page, "runs.chart")) === before + charts);
  for (let turn = 0; turn < 20; turn += 1) await page.evaluate((uid) => runs.tell([uid]), RUN);
  const after = await until("they were drawn again", async () => {
    const now = await calls(page, "runs.chart");
    return now >= before + 2 * charts && now;
  });
  expect(after, "at most ten times a second").toBeLessThanOrEqual(before + 3 * charts);
  await window.close();
});

test("several runs: values sorted and the nearest marked; a line is hidden, brought out, and leads to its run", async () => {
  const window = await pages.open("/runs");
  const { page } = window;
  await page.locator("[data-uid]").first().waitFor();
  await page.getByRole("grid", { name: "Runs" }).focus();
  await page.keyboard.press("Home");
  for (let turn = 0; turn < 3; turn += 1) await page.keyboard.press("Shift+ArrowDown");
  const plot = plotOf(page, "train/loss");
  await plot.locator(".frame.data svg").waitFor();
  const spot = await at(plot, 0.4, 0.5);
  await page.mouse.move(spot.x, spot.y);
  const tip = page.locator(".tip");
  await tip.waitFor();
  const numbers = (await tip.locator("b").allInnerTexts()).map(Number);
  expect(numbers).toHaveLength(4);
  expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
  expect(await tip.locator(".near").count()).toBe(1);
  await shot(page, "chart-tip");
  const panel = page.locator("article", { has: plot });
  const legend = panel.getByRole("list", { name: "Lines" });
  const [first] = await legend.locator("a").allInnerTexts();
  await legend.getByRole("listitem").first().hover();
  await until("the others step back", async () => (await plot.locator(".back").count()) === 3);
  await legend.getByRole("button").first().click();
  await until("three lines", async () => (await plot.locator("[data-line]").count()) === 3);
  expect(await legend.getByRole("button", { name: `Show ${first}` }).getAttribute("aria-pressed")).toBe("false");
  await legend.getByRole("button", { name: `Show ${first}` }).click();
  await until("four lines", async () => (await plot.locator("[data-line]").count()) === 4);
  await legend.getByRole("link").first().click();
  await shot(page, "chart-link");
  await page.getByRole("complementary", { name: "Run" }).getByRole("heading", { name: first! }).waitFor();
  await window.close();
});

test("large: the wheel alone zooms there, all lines are named, Escape closes it", async () => {
  const { window, page } = await open();
  const plot = plotOf(page, "train/loss");
  await plot.focus();
  await page.keyboard.press("f");
  const large = page.getByRole("dialog", { name: "train/loss" });
  await large.locator(".frame.data svg").waitFor();
  expect(await axe(page)).toEqual([]);
  await shot(page, "chart-large");
  const inside = large.getByRole("application");
  const spot = await at(inside, 0.5, 0.5);
  await page.mouse.move(spot.x, spot.y);
  await page.mouse.wheel(0, -100);
  await large.getByRole("button", { name: "Show everything" }).waitFor();
  await large.getByRole("button", { name: "Show everything" }).click();
  await large.getByRole("button", { name: "Show everything" }).waitFor({ state: "detached" });
  await large.getByRole("combobox", { name: "Smoothing" }).selectOption("exponential");
  await until("it is smoothed", async () => (await drawn(page, "train/loss"))?.lines.smoothing.kind === "exponential");
  await page.keyboard.press("Escape");
  await large.waitFor({ state: "detached" });
  await window.close();
});

test("a chart is saved as what was set, and its values are copied", async () => {
  const { window, page } = await open();
  const panel = page.locator("article", { has: plotOf(page, "train/loss") });
  await panel.hover();
  await panel.getByRole("button", { name: "More for train/loss" }).click();
  await page.getByRole("menuitem", { name: "Save as…" }).click();
  const sheet = page.getByRole("dialog", { name: "Save train/loss" });
  await sheet.locator(".picture svg").waitFor();
  await sheet.getByRole("combobox", { name: "Size" }).selectOption({ label: "One column" });
  expect(await sheet.getByRole("textbox", { name: "Width in millimetres" }).inputValue()).toBe("85");
  await sheet.getByRole("textbox", { name: "Width in millimetres" }).fill("90");
  await sheet.getByRole("radio", { name: "PDF" }).click();
  await shot(page, "chart-save");
  expect(await axe(page)).toEqual([]);
  await sheet.getByRole("button", { name: "Save PDF" }).click();
  const made = (await page.evaluate(() => engine.asked.findLast((it) => it.method === "figures.make")?.input)) as Commands["figures.make"]["input"];
  expect(made).toMatchObject({ format: "pdf", figure: { width_mm: 90, height_mm: 60, font_pt: 8, theme: "light", chart: { kind: "lines", keys: ["train/loss"] } } });
  await sheet.waitFor({ state: "detached" });
  await panel.hover();
  await panel.getByRole("button", { name: "More for train/loss" }).click();
  await page.getByRole("menuitem", { name: "Copy as Markdown" }).click();
  await page.getByText("Copied the last values as Markdown").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^\| Run \| At \| train\/loss \|.*\n\| --- \|.*\n\| vit-s16 distill kd=0\.7 \| step 71 \| /);
  await window.close();
});
