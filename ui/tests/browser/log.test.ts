// The log of jobs that behave badly.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";
import { axe, closeBrowser, ended, type Engine, openWindow, queue, shot, startEngine, until, type Window } from "./harness";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine(2);
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

async function openLog(uid: string): Promise<Window> {
  const window = await openWindow(engine, { url: `${engine.url}#/queue?job=${uid}` });
  await window.page.getByRole("tab", { name: "Log" }).waitFor();
  return window;
}

/** The longest time that the page did nothing else, in milliseconds, since it was asked last. */
async function watchFreezes(window: Window): Promise<() => Promise<number>> {
  await window.page.evaluate(() => {
    let last = performance.now();
    const state = { worst: 0 };
    Object.assign(globalThis, { freezes: state });
    setInterval(() => {
      const now = performance.now();
      state.worst = Math.max(state.worst, now - last - 50);
      last = now;
    }, 50);
  });
  return () => window.page.evaluate(() => (globalThis as unknown as { freezes: { worst: number } }).freezes.worst);
}

test("colours, redrawn lines, invalid text and markup", async () => {
  const uid = await queue(
    engine,
    "colours",
    String.raw`printf '\033[31mred\033[0m plain\n10 %%\r50 %%\r100 %%\n\033[38;5;208morange\033[0m\nbad \377\376 bytes\n<b>not markup</b>\n\033[1;33;44mon blue\033[0m\ntab\tbed\r\nlast without end'`,
  );
  await ended(engine, uid);
  const window = await openLog(uid);
  const log = window.page.getByRole("log");
  await log.getByText("last without end").waitFor();
  const text = (await log.innerText()).replaceAll("\u200b", "");
  expect(text).toContain("red plain");
  expect(text).toContain("100 %");
  expect(text).not.toContain("50 %");
  expect(text).toContain("bad �� bytes");
  expect(text).toContain("<b>not markup</b>");
  expect(await log.locator("b").count(), "text is never markup").toBe(0);
  expect(await log.getByText("red", { exact: true }).evaluate((it) => it.className)).toContain("f1");
  expect(await log.getByText("orange").evaluate((it) => getComputedStyle(it).color)).toBe("rgb(255, 135, 0)");
  await shot(window.page, "log-colours");
  await window.close();
});

test("each of the two streams can be read by itself, live", async () => {
  const uid = await queue(engine, "writes both", "echo out 1; echo error 1 >&2; until [ -e go ]; do sleep 0.1; done; echo out 2; echo error 2 >&2; sleep 60");
  const window = await openLog(uid);
  const { page } = window;
  const log = page.getByRole("log");
  await log.getByText("error 1").waitFor();
  const streams = page.getByLabel("Streams");
  await streams.focus();
  await streams.selectOption("Standard error");
  await until("only errors are seen", async () => (await log.innerText()).replaceAll("\u200b", "").trim() === "error 1");
  expect(await streams.evaluate((it) => it === document.activeElement), "the focus stays").toBe(true);
  await shot(page, "log-stderr");
  await writeFile(join(engine.work, "go"), "");
  await log.getByText("error 2").waitFor();
  expect(await log.innerText()).not.toContain("out");
  await streams.selectOption("Standard output");
  await log.getByText("out 2").waitFor();
  expect(await log.innerText()).not.toContain("error");
  expect(await axe(page), "one stream").toEqual([]);
  await engine.call("experiments.cancel", { uids: [uid] });
  await window.close();
});

test("older output comes when scrolled up to, and new output leaves the reader alone", async () => {
  const uid = await queue(engine, "counts", "i=0; while [ $i -lt 12000 ]; do i=$((i+1)); echo line number $i of many; done; sleep 3; echo more; sleep 1; echo and more; sleep 60");
  const window = await openLog(uid);
  const { page } = window;
  const log = page.getByRole("log");
  await log.getByText("line number 12000 of many").waitFor();
  expect(await log.getByText("line number 1 of many", { exact: true }).count()).toBe(0);
  await log.hover();
  for (let turn = 0; turn < 4; turn += 1) await page.mouse.wheel(0, -4_000);
  await page.getByRole("button", { name: /Jump to end/ }).waitFor();
  await page.getByRole("button", { name: /Jump to end · \d+ new line/ }).waitFor({ timeout: 30_000 });
  await shot(page, "log-scrolled");
  await until("the first line came", async () => {
    await log.hover();
    await page.mouse.wheel(0, -60_000);
    await page.waitForTimeout(50);
    return (await log.getByText("line number 1 of many", { exact: true }).count()) > 0;
  });

  await page.keyboard.press("Control+f");
  await page.getByLabel("Find in the whole log").fill("number 777 ");
  await page.getByText("1 line", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await log.locator("mark.now").waitFor();
  await page.getByText("1 of 1 line", { exact: true }).waitFor();
  await shot(page, "log-find");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /Jump to end/ }).click();
  await log.getByText("and more").waitFor();
  await engine.call("experiments.cancel", { uids: [uid] });
  await window.close();
});

test("a line is gone to by its number, and the place is kept for who comes back", async () => {
  const uid = await queue(engine, "goes to", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo a line that is not short, number $i of many; done");
  await ended(engine, uid);
  const window = await openLog(uid);
  const { page } = window;
  const log = page.getByRole("log");
  await log.getByText("number 60000 of many").waitFor();
  await page.keyboard.press("Control+g");
  const field = page.getByLabel("Go to a line, a share or an offset");
  await field.fill("12,345");
  expect(await axe(page), "going to a line").toEqual([]);
  await shot(page, "log-go");
  await page.keyboard.press("Enter");
  const line = log.getByText("a line that is not short, number 12345 of many", { exact: true });
  await line.waitFor();
  await field.waitFor({ state: "detached" });
  await shot(page, "log-gone");

  await page.getByRole("tab", { name: "Details" }).click();
  await log.waitFor({ state: "detached" });
  await page.getByRole("tab", { name: "Log" }).click();
  await line.waitFor();
  // At once, while the text around the place is still being loaded.
  await page.keyboard.press("Control+g");
  await field.fill("50 %");
  await page.keyboard.press("Enter");
  await field.waitFor({ state: "detached" });
  expect(await log.innerText()).toMatch(/number (29|30)\d\d\d of/);
  await page.getByRole("button", { name: /Jump to end/ }).click();
  await log.getByText("number 60000 of many").waitFor();
  await window.close();
});

test("a whole log of 50 MB is searched, while it grows", async () => {
  // A needle far from the end, one in colours, one on the other stream.
  const line = "a line of output that a training wrote, with its loss and its accuracy 0.123456789";
  const uid = await queue(
    engine,
    "fifty megabytes",
    `yes '${line}' | head -n 100000; printf 'the \\033[31mneed\\033[0mle (1)\\n'; yes '${line}' | head -n 300000; echo 'the needle (2)' >&2; yes '${line}' | head -n 230000; echo written; until [ -e grow ]; do sleep 0.1; done; echo 'the needle (3)'; sleep 600`,
  );
  const window = await openLog(uid);
  const { page } = window;
  const log = page.getByRole("log");
  await log.getByText("written", { exact: true }).waitFor({ timeout: 60_000 });
  const worst = await watchFreezes(window);
  await page.keyboard.press("Control+f");
  const field = page.getByLabel("Find in the whole log");
  await field.fill("NEEDLE (");
  await page.getByText("2 lines", { exact: true }).waitFor({ timeout: 60_000 });
  await shot(page, "log-find-whole");

  // From the end it goes on at the beginning; then forth and back.
  await page.keyboard.press("Enter");
  await page.getByText("1 of 2 lines", { exact: true }).waitFor({ timeout: 30_000 });
  expect((await log.locator("mark.now").allInnerTexts()).join("")).toBe("needle (");
  expect(await log.getByText("(1)").count()).toBe(1);
  await shot(page, "log-find-jumped");
  expect(await axe(page), "finding").toEqual([]);
  await page.keyboard.press("F3");
  await page.getByText("2 of 2 lines", { exact: true }).waitFor({ timeout: 30_000 });
  await log.getByText("the needle (2)").waitFor();
  await page.keyboard.press("Shift+Enter");
  await page.getByText("1 of 2 lines", { exact: true }).waitFor({ timeout: 30_000 });

  // What is written meanwhile is counted, and the reader stays where he is.
  await writeFile(join(engine.work, "grow"), "");
  await page.getByText("1 of 3 lines", { exact: true }).waitFor({ timeout: 30_000 });
  expect(await log.locator("mark.now").count()).toBeGreaterThan(0);

  await page.getByRole("button", { name: "Match case" }).click();
  await page.getByText("none", { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Regular expression" }).click();
  await page.getByText(/unclosed group \(at character 8\)/).waitFor();
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  await shot(page, "log-find-bad");
  await field.fill("needle .[13]");
  await page.getByText("2 lines", { exact: true }).waitFor({ timeout: 60_000 });
  await field.focus();
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
  expect(await worst(), "the page stays at hand").toBeLessThan(1_500);
  await engine.call("experiments.cancel", { uids: [uid] });
  await window.close();
}, 180_000);

test("a line of a megabyte is cut for the eye, and its rest is there on request", async () => {
  const uid = await queue(engine, "one line", "head -c 1048576 /dev/zero | tr '\\0' 'x'; echo; echo after it");
  await ended(engine, uid);
  const window = await openLog(uid);
  const worst = await watchFreezes(window);
  const log = window.page.getByRole("log");
  await log.getByText("after it").waitFor();
  const more = log.getByRole("button", { name: /1\.0 MiB line, show more/ });
  await window.page.keyboard.press("Home");
  await log.focus();
  await window.page.keyboard.press("Home");
  await more.waitFor();
  expect((await log.innerText()).length).toBeLessThan(10_000);
  expect(await worst(), "the page stays at hand").toBeLessThan(1_500);
  await window.close();
});

test("a flood of output freezes nothing, and its end is seen", async () => {
  const uid = await queue(engine, "flood", "sleep 1; yes 'a flood of output that nobody can read' | head -c 300000000; echo; echo the very end");
  const window = await openLog(uid);
  const worst = await watchFreezes(window);
  const log = window.page.getByRole("log");
  await log.getByText("the very end").waitFor({ timeout: 80_000 });
  expect(await worst(), "long output is skipped over, not shown in full").toBeLessThan(2_000);
  await window.page.getByText(/the first \d+ MiB rotated away/).waitFor();
  await window.close();
}, 120_000);

test("nothing written, and nothing started yet", async () => {
  const quiet = await queue(engine, "quiet", "true");
  await ended(engine, quiet);
  const window = await openLog(quiet);
  await window.page.getByText("It ended without writing anything.").waitFor();
  await engine.call("queue.pause", { paused: true });
  const later = await queue(engine, "later", "true");
  await window.page.evaluate((uid) => (location.hash = `#/queue?job=${uid}`), later);
  await window.page.getByText("Not started yet").waitFor();
  await engine.call("queue.pause", { paused: false });
  await window.page.getByText("It ended without writing anything.").waitFor();
  await window.close();
});
