// What happened, and the queue in numbers: live, back to the first event, and from there to the experiment.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axe, closeBrowser, ended, type Engine, openWindow, queue, shot, startEngine, until, type Window } from "./harness";

const MANY = 700;

let engine: Engine;
let window: Window;
let page: Page;
let done = "";
beforeAll(async () => {
  engine = await startEngine(1);
  done = await queue(engine, "the first", "true");
  await ended(engine, done);
  await queue(engine, "holds the slot", "sleep 600");
  await engine.call("experiments.add", { experiments: Array.from({ length: MANY }, (_, i) => ({ name: `many ${i}`, command: "true", cwd: engine.work, hold: true })) });
});
afterAll(async () => {
  await window?.context.close();
  await engine.stop();
  await closeBrowser();
});

async function fresh(hash = "#/queue") {
  window = await openWindow(engine, { url: `${engine.url}${hash}` });
  page = window.page;
}

const list = () => page.getByRole("listbox", { name: "Activity" });
const event = (text: RegExp | string) => list().getByRole("option").filter({ hasText: text });

test("the status line leads to what happened, which goes on by itself and back to the first event", async () => {
  await fresh();
  await page.getByRole("button", { name: /waiting, activity$/ }).click();
  await list().waitFor();
  await event(`many ${MANY - 1}`).waitFor();
  const newest = async () => list().getByRole("option").first().innerText();
  await queue(engine, "comes now", "true", { hold: true });
  await until("the new one is on top", async () => (await newest()).includes("comes now"));
  await shot(page, "activity");
  expect(await axe(page), "activity").toEqual([]);

  await list().focus();
  await until("the first event of all", async () => {
    await page.keyboard.press("End");
    return (await event(/began to work/).count()) === 1;
  });
  // What comes now does not move what is looked at.
  const top = await list().evaluate((it) => it.scrollTop);
  await queue(engine, "unseen", "true", { hold: true });
  await until("it stays where it is", async () => (await list().evaluate((it) => it.scrollTop)) > top + 20);
  expect(await event(/began to work/).count()).toBe(1);
  await page.keyboard.press("Home");
  await until("and is there", async () => (await newest()).includes("unseen"));
  await window.close();
});

test("what is looked for is found further back, and opened from the keyboard", async () => {
  await fresh("#/queue/activity");
  await list().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("no such thing");
  await page.getByText("Nothing matches “no such thing”").waitFor();
  await page.getByText("All events were looked through.").waitFor();
  await shot(page, "activity-nothing");
  await page.getByText("Clear the filter", { exact: true }).click();
  await list().waitFor();
  await page.keyboard.type("the first completed");
  await event("the first").waitFor();
  await page.getByText("1 event", { exact: true }).waitFor();
  await shot(page, "activity-found");
  expect(await event("the first").count()).toBe(1);
  await list().focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("complementary", { name: "Experiment the first" });
  await drawer.getByRole("tab", { name: "History" }).click();
  const history = drawer.getByRole("list", { name: "History" });
  await history.getByText(/completed/).waitFor();
  const of = async () => (await history.getByRole("listitem").allInnerTexts()).length;
  const before = await of();
  expect(before).toBeGreaterThanOrEqual(3);
  await engine.call("experiments.edit", { uid: done, notes: "A note." });
  await until("what is done to it is told", async () => (await of()) === before + 1);
  await shot(page, "history");
  expect(await axe(page), "history").toEqual([]);
  await window.close();
});

test("what was deleted is told of, and leads nowhere", async () => {
  const uid = await queue(engine, "to be deleted", "true", { hold: true });
  await engine.call("experiments.cancel", { uids: [uid] });
  await ended(engine, uid);
  await fresh("#/queue/activity");
  await event("to be deleted").first().waitFor();
  await engine.call("experiments.delete", { uids: [uid] });
  await until("all of its events are closed", async () => {
    const states = await event("to be deleted").evaluateAll((all) => all.map((it) => it.getAttribute("aria-disabled")));
    return states.length >= 3 && states.every((it) => it === "true");
  });
  // Nobody would click it but by mistake.
  await event("to be deleted").first().click({ force: true });
  expect(page.url()).not.toContain("job=");
  await window.close();
});

test("the statistics follow the queue, and lead to what runs longest", async () => {
  await fresh();
  await page.getByRole("grid").waitFor();
  await page.keyboard.press("s");
  const sheet = page.getByRole("dialog", { name: "Statistics" });
  await sheet.getByText("Mean run time").waitFor();
  const pending = sheet.locator("dl.counts > div", { hasText: "Pending" }).locator("dd");
  const before = Number((await pending.innerText()).replace(",", ""));
  expect(before).toBeGreaterThanOrEqual(MANY);
  await queue(engine, "one more", "true", { hold: true });
  await until("it is counted", async () => Number((await pending.innerText()).replace(",", "")) === before + 1);
  await shot(page, "statistics");
  expect(await axe(page), "statistics").toEqual([]);
  await sheet.getByRole("button", { name: "holds the slot" }).click();
  await page.getByRole("complementary", { name: "Experiment holds the slot" }).waitFor();
  expect(await sheet.count()).toBe(0);
  await page.getByRole("button", { name: "More for the queue" }).click();
  await page.getByRole("menuitem", { name: "Statistics" }).click();
  await sheet.waitFor();
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  await window.close();
});
