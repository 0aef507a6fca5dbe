// What one is told of: under the bell at once, from there to the job, and the settings of it.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axe, closeBrowser, type Engine, openWindow, queue, shot, startEngine, until, type Window } from "./harness";

let engine: Engine;
let window: Window;
let page: Page;
beforeAll(async () => {
  engine = await startEngine(2);
});
afterAll(async () => {
  await window?.context.close();
  await engine.stop();
  await closeBrowser();
});

const bell = () => page.getByRole("button", { name: /^Notifications/ });
const panel = () => page.getByRole("dialog", { name: "Notifications" });
const item = (text: RegExp | string) => panel().getByRole("listitem").filter({ hasText: text });

test("a failure is told of at once, and opened from the keyboard", async () => {
  window = await openWindow(engine);
  page = window.page;
  await bell().click();
  await panel().getByText("Nothing to tell yet").waitFor();
  expect(await axe(page), "empty").toEqual([]);
  await page.keyboard.press("Escape");
  await panel().waitFor({ state: "hidden" });

  const uid = await queue(engine, "the bad one", "echo epoch 1; echo ValueError: no data; exit 3");
  await page.getByRole("button", { name: "Notifications, 1 unread" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await item("the bad one failed").getByText("ValueError: no data").waitFor();
  expect(await axe(page), "full").toEqual([]);
  await shot(page, "notifications");
  await page.keyboard.press("Enter");
  await until("the job is open", async () => page.url().includes(uid));
  await page.getByRole("button", { name: "Notifications", exact: true }).waitFor();
  await window.close();
});

test("a burst grows in its place, in either theme and a small window", async () => {
  for (const [dark, width, height] of [[true, 1440, 900], [false, 760, 560]] as const) {
    // One that has told of nothing yet: whether a burst joins the one before depends on how much time has passed.
    await engine.stop();
    engine = await startEngine(2);
    window = await openWindow(engine, { dark, width, height });
    page = window.page;
    await page.getByRole("button", { name: "Notifications", exact: true }).waitFor();
    await engine.call("experiments.add", { experiments: Array.from({ length: 12 }, (_, i) => ({ name: `point ${i}`, command: i === 4 ? "exit 1" : "true", cwd: engine.work })) });
    await bell().click();
    await item("12 experiments ended").waitFor();
    await item("experiments ended").first().getByRole("button", { name: /^point / }).first().waitFor();
    expect(await axe(page), `${width}`).toEqual([]);
    const inside = await panel().evaluate((it) => it.getBoundingClientRect().left >= 0 && it.getBoundingClientRect().right <= innerWidth && it.getBoundingClientRect().bottom <= innerHeight);
    expect(inside, "it fits the window").toBe(true);
    await shot(page, `notifications-${width}`);
    await page.getByRole("button", { name: "Mark all read" }).click();
    await page.getByRole("button", { name: "Notifications", exact: true }).waitFor();
    await window.close();
  }
});

test("what one is told of is set, and a test says whether the hook works", async () => {
  window = await openWindow(engine, { url: `${engine.url}#/settings` });
  page = window.page;
  await page.getByRole("checkbox", { name: "A job completed" }).uncheck();
  await until("the engine knows", async () => (await engine.call("settings.get", {})).notifications.off.includes("completed"));
  await page.getByRole("button", { name: "Set a hook…" }).click();
  await page.getByRole("textbox", { name: "Command" }).fill("echo no route >&2; exit 4");
  await page.keyboard.press("Enter");
  await page.getByText("echo no route >&2; exit 4").waitFor();
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("but the hook failed: it ended with exit code 4: no route").waitFor();
  await page.getByRole("button", { name: "Change…" }).click();
  await page.getByRole("radio", { name: "Address" }).click();
  await page.getByRole("textbox", { name: "Address" }).fill("ftp://nowhere");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText(/posted to/).waitFor();
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("None", { exact: true }).waitFor();
  expect(await axe(page), "settings").toEqual([]);
  await shot(page, "notification-settings");
  await window.close();
});
