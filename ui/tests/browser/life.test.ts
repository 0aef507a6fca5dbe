// What a person does first: the demo, one click, and watching it to its end.

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, ended, type Engine, openWindow, queue, shot, startEngine, until } from "./harness";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine(1);
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

test("from the first screen to a finished training", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("button", { name: "Try the demo project" }).click();
  await page.getByText("Start here").waitFor();
  await page.getByRole("button", { name: /^Train on digits/ }).click();
  await page.getByRole("status").getByText("Queued digits mlp").waitFor();
  await page.getByRole("button", { name: "Show" }).click();

  const drawer = page.getByRole("complementary", { name: "Experiment digits mlp" });
  await drawer.getByText("Running").first().waitFor();
  const log = drawer.getByRole("log");
  await log.getByText(/epoch 1\/\d+/).first().waitFor();
  // The bar that is redrawn is one line, and it moves.
  const bar = async () => ((await log.innerText()).match(/epoch \d+\/\d+ [█░].*/g) ?? []).length;
  expect(await bar()).toBeLessThanOrEqual(1);
  await log.locator("span.f2").first().waitFor();
  const before = await log.innerText();
  await until("the log grew", async () => (await log.innerText()) !== before);
  await shot(page, "life-log");

  await drawer.getByRole("tab", { name: "Metrics" }).click();
  const picture = drawer.locator("article", { hasText: "train/loss" }).locator("svg");
  await picture.waitFor();
  const first = await picture.innerHTML();
  await until("the curve grew", async () => (await picture.innerHTML()) !== first);
  const stroke = await picture.locator("path.c1").first().evaluate((it) => getComputedStyle(it).stroke);
  const swatch = await drawer.locator(".top .swatch").evaluate((it) => getComputedStyle(it).backgroundColor);
  expect(stroke, "the line has the run's own colour").toBe(swatch);

  // The crosshair reads a value.
  const plot = drawer.locator("article", { hasText: "train/loss" }).locator(".plot");
  await plot.hover({ position: { x: 200, y: 60 } });
  await drawer.locator("article", { hasText: "train/loss" }).locator(".cross").waitFor();
  expect(await drawer.locator(".cross").count(), "one crosshair through all charts").toBe(await drawer.locator("article svg").count());
  await shot(page, "life-metrics");

  await drawer.getByText("Completed").first().waitFor({ timeout: 80_000 });
  expect(await drawer.getByRole("button", { name: "Cancel" }).count()).toBe(0);
  await drawer.getByRole("tab", { name: "Details" }).click();
  await drawer.getByText("exit code 0").waitFor();
  await shot(page, "life-details");

  await page.getByRole("link", { name: "Overview" }).click();
  await page.locator("tr", { hasText: "digits mlp" }).getByText("Completed").waitFor();
  await page.locator("tr", { hasText: "digits mlp" }).getByText(/train\/loss/).waitFor();
  await window.close();
});

test("a failure says what happened", async () => {
  const uid = await queue(engine, "breaks", "echo about to break; exit 3");
  expect(await ended(engine, uid)).toBe("failed");
  const window = await openWindow(engine);
  const { page } = window;
  const row = page.locator("tr", { hasText: "breaks" });
  await row.getByText("Failed").waitFor();
  await row.click();
  const drawer = page.getByRole("complementary", { name: "Experiment breaks" });
  await drawer.locator(".failure", { hasText: /exit code 3/i }).waitFor();
  await drawer.getByText("about to break").waitFor();
  await shot(page, "failed");

  await drawer.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("status").getByText("Queued breaks").waitFor();
  await until("it ran again", async () => {
    const { experiments } = await engine.call("experiments.list", { section: "finished", text: "breaks", limit: 10 });
    return experiments.length === 2;
  });
  await window.close();
});

test("what could not be started says why and what to do", async () => {
  const { experiments } = await engine.call("experiments.add", {
    experiments: [{ name: "no such program", command: ["/nowhere/at-all"], cwd: engine.work }],
  });
  await ended(engine, experiments[0]!.uid);
  const window = await openWindow(engine);
  await window.page.locator("tr", { hasText: "no such program" }).click();
  const banner = window.page.locator(".failure");
  await banner.waitFor();
  expect(await banner.innerText()).toContain("/nowhere/at-all");
  await window.close();
});

test("cancelling what runs asks first; what waits can be queued again", async () => {
  const running = await queue(engine, "long one", "sleep 300");
  const waiting = await queue(engine, "behind it", "sleep 300");
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("link", { name: /^Queue/ }).click();
  await page.getByRole("row", { name: /long one/ }).getByText("Running").waitFor();

  await page.getByRole("row", { name: /behind it/ }).click();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("status").getByText("Cancelled behind it").waitFor();
  expect(await ended(engine, waiting)).toBe("cancelled");
  await page.getByRole("button", { name: "Queue again" }).click();
  await page.getByRole("status").getByText("Queued behind it").waitFor();

  await page.getByRole("row", { name: /long one/ }).click();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  const question = page.getByRole("alertdialog");
  await question.getByText("Cancel long one?").waitFor();
  await shot(page, "confirm");
  await question.getByRole("button", { name: "Keep running" }).click();
  expect((await engine.call("experiments.get", { uid: running })).experiment.status).toBe("running");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await question.getByRole("button", { name: "Cancel experiment" }).click();
  expect(await ended(engine, running)).toBe("cancelled");
  await page.getByRole("row", { name: /Cancelled.*long one/ }).waitFor();

  const { experiments } = await engine.call("experiments.list", { section: "active", limit: 10 });
  await engine.call("experiments.cancel", { uids: experiments.map((it) => it.uid) });
  await window.close();
});

test("a folder of one's own is looked at while it is typed", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("button", { name: "Add a project" }).click();
  const sheet = page.getByRole("dialog", { name: "Add a project" });
  await sheet.getByLabel("Folder", { exact: true }).fill("/nowhere/at/all");
  await sheet.locator(".says.bad").waitFor();
  expect(await sheet.getByRole("button", { name: "Add project", exact: true }).isDisabled()).toBe(true);
  await sheet.getByLabel("Folder", { exact: true }).fill(engine.work);
  await sheet.getByLabel("Name").fill("mine");
  await sheet.getByRole("button", { name: "Add project", exact: true }).click();
  await page.getByRole("heading", { name: "mine" }).waitFor();
  await page.getByRole("button", { name: "Forget…" }).click();
  await page.getByRole("button", { name: "Forget project" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("link", { name: "mine" }).waitFor();
  await window.close();
});
