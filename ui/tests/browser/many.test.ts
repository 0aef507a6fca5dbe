// Ten thousand rows feel like ten.

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, type Engine, openWindow, shot, startEngine, until } from "./harness";

const MANY = 10_000;
const CANCELLED = 1_000;
let engine: Engine;

beforeAll(async () => {
  engine = await startEngine(0);
  const uids: string[] = [];
  for (let batch = 0; batch < MANY / 500; batch += 1) {
    const { experiments } = await engine.call("experiments.add", {
      experiments: Array.from({ length: 500 }, (_, i) => ({ name: `run ${batch * 500 + i}`, command: ["true"], cwd: engine.work })),
    });
    uids.push(...experiments.map((it) => it.uid));
  }
  await engine.call("experiments.cancel", { uids: uids.slice(0, CANCELLED) });
}, 180_000);
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

test("the list scrolls to its end and back, and rows come as they are seen", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/queue` });
  const { page } = window;
  const grid = page.getByRole("grid");
  await page.getByRole("row", { name: /run 1000 / }).waitFor();
  await page.locator(".head", { hasText: "Waiting 9,000" }).first().waitFor();
  expect(await page.locator("[role=row]").count(), "only what is seen is drawn").toBeLessThan(90);

  await grid.focus();
  await page.keyboard.press("End");
  await page.getByRole("row", { name: /run 0 / }).waitFor();
  await page.locator(".stuck", { hasText: "Finished 1,000" }).waitFor();
  await shot(page, "many-end");

  for (let turn = 0; turn < 40; turn += 1) await page.keyboard.press("ArrowUp");
  const covered = await page.evaluate(() => {
    const id = document.querySelector("[role=grid]")?.getAttribute("aria-activedescendant") ?? "";
    const row = document.getElementById(id)?.getBoundingClientRect().top ?? 0;
    return row < (document.querySelector(".stuck")?.getBoundingClientRect().bottom ?? 0);
  });
  expect(covered, "the current row is never under the head").toBe(false);

  const began = Date.now();
  for (let turn = 0; turn < 30; turn += 1) await page.evaluate((to) => document.querySelector("[role=grid]")?.scrollTo({ top: to }), 300_000 - turn * 9_000);
  await until("placeholders are filled", async () => (await page.locator("[role=row][aria-busy]").count()) === 0);
  expect(Date.now() - began).toBeLessThan(20_000);

  await page.keyboard.press("Home");
  await page.getByRole("row", { name: /run 1000 / }).waitFor();
  // A filter over all of them is the engine's work.
  await page.keyboard.press("/");
  await page.keyboard.type("run 1234");
  await until("one row", async () => (await page.locator("[role=row][aria-rowindex]").count()) === 1);
  await window.close();
});
