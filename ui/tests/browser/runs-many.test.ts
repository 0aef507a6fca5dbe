// Ten thousand runs feel like ten.

import { afterAll, beforeAll, expect, test } from "vitest";

import { closeBrowser, until } from "./harness";
import { type Pages, startPages } from "./page";

let pages: Pages;
beforeAll(async () => {
  pages = await startPages();
}, 120_000);
afterAll(async () => {
  await pages.stop();
  await closeBrowser();
});

test("the table scrolls through all of them without a blank, and keeps the focus", async () => {
  const window = await pages.open("/runs", { query: "runs=10000" });
  const { page } = window;
  const grid = page.getByRole("grid", { name: "Runs" });
  await page.getByText("10,008").first().waitFor();
  await page.locator("[data-uid]").first().waitFor();
  expect(await page.locator("[role=row][aria-rowindex]").count(), "only what is seen is drawn").toBeLessThan(70);

  await grid.focus();
  // At each stop of a long way down, the lines in sight are there at once, and filled soon.
  for (let turn = 1; turn <= 20; turn += 1) {
    const blank = await page.evaluate((share) => {
      const scroller = document.querySelector("[role=grid]");
      if (scroller === null) return -1;
      scroller.scrollTop = (scroller.scrollHeight - scroller.clientHeight) * share;
      return new Promise<number>((done) =>
        requestAnimationFrame(() =>
          requestAnimationFrame(() => {
            const box = scroller.getBoundingClientRect();
            let missing = 0;
            for (let y = box.top + 45; y < box.bottom - 15; y += 30) {
              const row = document.elementFromPoint(box.left + 60, y)?.closest("[role=row]");
              if (row === null || row === undefined) missing += 1;
            }
            done(missing);
          }),
        ),
      );
    }, turn / 20);
    expect(blank, `lines without a row at ${turn} of 20`).toBe(0);
    await until("what is in sight is filled", async () => (await page.locator("[role=row][aria-busy]").count()) === 0);
  }
  expect(await grid.evaluate((it) => it === document.activeElement), "the focus is where it was").toBe(true);

  await page.keyboard.press("End");
  await until("the last run is current", async () => (await grid.getAttribute("aria-activedescendant")) !== null && (await page.locator(".row.current").getAttribute("aria-rowindex")) === "10009");
  for (let turn = 0; turn < 60; turn += 1) await page.keyboard.press("ArrowUp");
  expect(await page.locator(".row.current").getAttribute("aria-rowindex")).toBe("9949");
  const seen = await page.evaluate(() => {
    const row = document.querySelector(".row.current")?.getBoundingClientRect();
    const head = document.querySelector(".row.head")?.getBoundingClientRect();
    return row !== undefined && head !== undefined && row.top >= head.bottom - 1;
  });
  expect(seen, "the current row is never under the head").toBe(true);

  // What changes does not move what is read, nor what is selected.
  await page.keyboard.press("x");
  const before = await page.locator(".row.current").boundingBox();
  await page.evaluate(() => {
    const { runs } = globalThis as unknown as { runs: { runs: { row: { uid: string; started: number } }[]; tell(uids: string[], structure: boolean): void } };
    const first = runs.runs[0]!;
    runs.runs = [{ ...first, row: { ...first.row, uid: "rfresh00000", started: Date.now() } }, ...runs.runs];
    runs.tell(["rfresh00000"], true);
  });
  await page.getByText("10,009").first().waitFor();
  await until("the list was read again", async () => (await page.locator(".row.current").getAttribute("aria-rowindex")) === "9950");
  const after = await page.locator(".row.current").boundingBox();
  expect(Math.abs((after?.y ?? 0) - (before?.y ?? -99)), "the row stays under the reader").toBeLessThanOrEqual(1);
  expect(await page.locator(".row.current").getAttribute("aria-selected")).toBe("true");
  await window.close();
});

test("columns are moved, pinned, resized and hidden by the keyboard alone, and sorted by two keys", async () => {
  const window = await pages.open("/runs", { query: "runs=40" });
  const { page } = window;
  const heads = () => page.locator("[data-column]").evaluateAll((all) => all.map((it) => it.getAttribute("data-column")));
  await page.locator("[data-uid]").first().waitFor();
  await page.locator("[data-column^='metrics.']").first().waitFor();
  const before = await heads();
  await page.locator("[data-column=name] button").focus();
  await page.keyboard.press("ArrowRight");
  expect(await page.evaluate(() => document.activeElement?.closest("[data-column]")?.getAttribute("data-column"))).toBe("status");
  await page.keyboard.press("Alt+ArrowRight");
  await until("it has moved, and has the focus", async () => (await heads())[2] === "status" && (await page.evaluate(() => document.activeElement?.closest("[data-column]")?.getAttribute("data-column"))) === "status");
  expect((await heads())[1]).toBe(before[2]);
  const wide = (await page.locator("[data-column=status]").boundingBox())?.width ?? 0;
  await page.keyboard.press("Alt+Shift+ArrowRight");
  await until("it is wider", async () => ((await page.locator("[data-column=status]").boundingBox())?.width ?? 0) > wide);
  await page.keyboard.press("p");
  await until("it is pinned beside the name", async () => (await heads())[1] === "status");
  await page.keyboard.press("Enter");
  await until("sorted by it", async () => (await page.locator("[data-column=status]").getAttribute("aria-sort")) === "ascending");
  await page.locator("[data-column=started] button").click({ modifiers: ["Shift"] });
  await until("and by a second", async () => (await page.locator("[data-column=started]").getAttribute("aria-sort")) === "descending");
  expect(await page.locator("[data-column=status]").getAttribute("aria-sort")).toBe("ascending");
  await page.locator("[data-column=status] button").focus();
  await page.keyboard.press("Delete");
  await until("it is hidden", async () => !(await heads()).includes("status"));
  // Dragging does the same.
  const from = await page.locator("[data-column=tags]").boundingBox();
  const to = await page.locator("[data-column]").nth(1).boundingBox();
  await page.mouse.move((from?.x ?? 0) + 20, (from?.y ?? 0) + 15);
  await page.mouse.down();
  await page.mouse.move((to?.x ?? 0) + 40, (to?.y ?? 0) + 15, { steps: 6 });
  await page.mouse.move((to?.x ?? 0) + 8, (to?.y ?? 0) + 15, { steps: 3 });
  await page.mouse.up();
  await until("the column was dropped there", async () => (await heads())[1] === "tags");
  await window.close();
});
