// Images and histograms of a run: the window over a real engine that watches an event file with both.

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { axe, closeBrowser, type Engine, openWindow, shot, startEngine, until } from "./harness";

const NAME = "events.out.tfevents.1700000000.host";
const EVENTS = resolve(import.meta.dirname, "../../../tests/fixtures/media", NAME);

let engine: Engine;
let folder = "";
let uid = "";

beforeAll(async () => {
  engine = await startEngine(1);
  folder = join(engine.work, "runs/pictures");
  await mkdir(folder, { recursive: true });
  await copyFile(EVENTS, join(folder, NAME));
  await mkdir(join(engine.work, "runs/plain"), { recursive: true });
  await writeFile(join(engine.work, "runs/plain/metrics.csv"), "step,loss\n1,2\n2,1\n");
  await engine.call("watch.add", { path: join(engine.work, "runs") });
  uid = await until("the run is there with its media", async () => {
    const { rows } = await engine.call("runs.list", { query: "folder ~ pictures", limit: 2 });
    const found = rows[0]?.uid;
    return found !== undefined && (await engine.call("runs.get", { uid: found })).media.length > 0 && found;
  });
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const card = (page: Page, name: string) => page.getByRole("article", { name, exact: true });

async function openMedia(look: { dark?: boolean; width?: number; height?: number } = {}) {
  const window = await openWindow(engine, { ...look, url: `${engine.url}#/runs/${uid}` });
  await window.page.getByRole("tab", { name: /^Media/ }).click();
  await window.page.getByRole("heading", { name: "Images" }).waitFor();
  return window;
}

/** All that is in sight is drawn. */
async function drawn(page: Page): Promise<void> {
  await until("the pictures are decoded", () => page.evaluate(() => {
    const images = [...document.querySelectorAll("article img")] as HTMLImageElement[];
    return images.length >= 4 && images.every((it) => it.complete && it.naturalWidth > 0);
  }));
}

test("a run with images and histograms has a tab for them, and another one has none", async () => {
  const window = await openMedia();
  const { page } = window;
  await drawn(page);
  expect((await page.getByRole("tab", { name: /^Media/ }).textContent())?.replace(/\s+/g, " ")).toBe("Media 5");
  const image = card(page, "confusion matrix").getByRole("img");
  expect(await image.getAttribute("alt")).toBe("confusion matrix, step 550");
  // The very bytes that were logged.
  const source = (await image.getAttribute("src")) ?? "";
  const bytes = Buffer.from(source.replace(/^data:image\/png;base64,/, ""), "base64");
  expect((await readFile(EVENTS)).includes(bytes)).toBe(true);
  expect(await card(page, "samples/pairs").getByRole("img").count()).toBe(2);
  const other = (await engine.call("runs.list", { query: "folder ~ plain", limit: 1 })).rows[0]?.uid ?? "";
  await page.evaluate((to) => (location.hash = to), `#/runs/${other}`);
  await page.getByRole("tab", { name: /^Config/ }).waitFor();
  await until("the other run is shown", async () => (await page.getByRole("tab", { name: /^Media/ }).count()) === 0);
  await window.close();
});

test("the arrows go from step to step, and a picture opens in its real size", async () => {
  const window = await openMedia();
  const { page } = window;
  await drawn(page);
  const matrix = card(page, "confusion matrix");
  const slider = matrix.getByRole("slider", { name: "Step of confusion matrix" });
  await slider.focus();
  await page.keyboard.press("ArrowLeft");
  await matrix.getByRole("img", { name: "confusion matrix, step 500" }).waitFor();
  expect(await slider.getAttribute("aria-valuetext")).toBe("step 500, 11 of 12");
  await page.keyboard.press("Home");
  await matrix.getByRole("img", { name: "confusion matrix, step 0" }).waitFor();
  await matrix.getByRole("button").focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "confusion matrix, step 0" });
  await dialog.waitFor();
  const size = await dialog.getByRole("img").evaluate((it) => [it.clientWidth, it.clientHeight]);
  expect(size).toEqual([96, 96]);
  await shot(page, "media-real-size");
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Images" }).waitFor();
  await window.close();
});

test("histograms are read bucket by bucket, by pointer and by keyboard", async () => {
  const window = await openMedia();
  const { page } = window;
  const weights = card(page, "weights/encoder.0");
  await weights.locator("svg path").first().waitFor({ state: "attached" });
  await weights.scrollIntoViewIfNeeded();
  const plot = weights.getByRole("application");
  await plot.focus();
  await page.keyboard.press("ArrowRight");
  await until("the first step's median is told", async () => /step 0.*median/s.test((await weights.textContent()) ?? ""));
  const said = weights.locator("[aria-live]");
  await until("a bucket is told", async () => /^Step 0: \d/.test((await said.textContent()) ?? ""));
  const first = await said.textContent();
  await page.keyboard.press("ArrowUp");
  await until("the next bucket is told", async () => (await said.textContent()) !== first && /^Step 0: \d/.test((await said.textContent()) ?? ""));
  // What is told is what the engine holds.
  const { items } = await engine.call("runs.media", { uid, kind: "histogram", key: "weights/encoder.0", limit: 1 });
  const { buckets } = await engine.call("runs.histogram", { uid, file: items[0]!.file, place: items[0]!.place });
  const count = Number(/^Step 0: ([\d.]+)/.exec((await said.textContent()) ?? "")?.[1]);
  expect(buckets.map((it) => it[2])).toContain(count);
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.45);
  await until("the pointer's bucket is told", async () => /^Step [1-9]/.test((await said.textContent()) ?? ""));
  await shot(page, "media-histogram");
  expect(await axe(page)).toEqual([]);
  await window.close();
});

for (const [dark, width, height] of [[false, 1440, 900], [true, 1440, 900], [true, 900, 600]] as const) {
  test(`${dark ? "dark" : "light"}, ${width}×${height}: readable`, async () => {
    const window = await openMedia({ dark, width, height });
    const { page } = window;
    await drawn(page);
    await shot(page, `media-${dark ? "dark" : "light"}-${width}`);
    await page.getByRole("textbox", { name: "Filter names" }).fill("nothing like it");
    await page.getByText("No name matches").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    // It is drawn when it is in sight.
    await card(page, "weights/encoder.0").scrollIntoViewIfNeeded();
    await card(page, "weights/encoder.0").locator("svg path").first().waitFor({ state: "attached" });
    expect(await axe(page)).toEqual([]);
    await shot(page, `media-${dark ? "dark" : "light"}-${width}-end`);
    await window.close();
  });
}

test("a picture that can't be read says why, and its neighbours are shown", async () => {
  const message = "The file was written anew since it was listed.";
  const { items } = await engine.call("runs.media", { uid, kind: "image", key: "confusion matrix", limit: 100 });
  const window = await openWindow(engine, {
    url: `${engine.url}#/runs/${uid}`,
    prepare: (page) =>
      page.route("**/rpc/runs.image", async (route) => {
        const { place } = JSON.parse(route.request().postData() ?? "{}") as { place: unknown };
        if (JSON.stringify(place) !== JSON.stringify(items.at(-1)?.place)) await route.continue();
        else await route.fulfill({ status: 400, json: { code: "path", message, hint: "Open the run once more." } });
      }),
  });
  const { page } = window;
  await page.getByRole("tab", { name: /^Media/ }).click();
  await card(page, "samples/segmentation").getByRole("img").waitFor();
  const matrix = card(page, "confusion matrix");
  await matrix.getByText(message).waitFor();
  await shot(page, "media-broken");
  expect(await axe(page)).toEqual([]);
  await matrix.getByRole("slider").focus();
  await page.keyboard.press("ArrowLeft");
  await matrix.getByRole("img", { name: "confusion matrix, step 500" }).waitFor();
  expect(await matrix.getByText(message).count()).toBe(0);
  await window.close();
});

test("of a file that was written anew the page shows what it holds now", async () => {
  const window = await openMedia();
  const { page } = window;
  await drawn(page);
  const bytes = await readFile(EVENTS);
  await writeFile(join(folder, NAME), bytes.subarray(0, 2_000));
  const segmentation = card(page, "samples/segmentation");
  await segmentation.getByRole("slider").focus();
  await page.keyboard.press("ArrowLeft");
  const { items } = await engine.call("runs.media", { uid, kind: "image", key: "samples/segmentation", limit: 100 });
  expect(items.length).toBeLessThan(12);
  await segmentation.getByRole("img", { name: `samples/segmentation, step ${items.at(-1)?.step}` }).waitFor();
  await segmentation.getByText(`${items.length}/${items.length}`, { exact: true }).waitFor();
  await card(page, "weights/encoder.0").waitFor({ state: "detached" });
  await writeFile(join(folder, NAME), bytes);
  await window.close();
});
