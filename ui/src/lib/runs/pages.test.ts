import { expect, test } from "vitest";

import { PAGE, Pages } from "./pages";

type It = { uid: string; value: number };
const rows = (page: number, many: number, value = 0): It[] => Array.from({ length: many }, (_, i) => ({ uid: `u${page * PAGE + i}`, value }));

function filled(total: number, value = 0): Pages<It> {
  const pages = new Pages<It>();
  for (const ticket of pages.wanted(0, total)) pages.put(ticket, rows(ticket.page, Math.min(PAGE, total - ticket.page * PAGE), value), total);
  return pages;
}

test("a page is asked for once, and none beyond the end", () => {
  const pages = new Pages<It>();
  const [first, ...more] = pages.wanted(10, 40);
  expect([first?.page, more]).toEqual([0, []]);
  expect(pages.wanted(10, 40), "it is under way").toEqual([]);
  if (first === undefined) throw new Error("there is a first");
  pages.put(first, rows(0, PAGE), 150);
  expect([pages.total, pages.at(99)?.uid, pages.at(100), pages.find("u7")]).toEqual([150, "u99", undefined, 7]);
  expect(pages.wanted(0, 100_000).map((it) => it.page)).toEqual([1]);
});

test("what is old stays in sight until what is new has come, page by page", () => {
  const pages = filled(250);
  pages.stale();
  expect([pages.at(3)?.value, pages.at(203)?.value]).toEqual([0, 0]);
  const [ticket] = pages.wanted(0, 50);
  expect(ticket?.page).toBe(0);
  if (ticket !== undefined) pages.put(ticket, rows(0, PAGE, 1), 250);
  expect([pages.at(3)?.value, pages.at(203)?.value]).toEqual([1, 0]);
  expect(pages.wanted(200, 250).map((it) => it.page), "read again when it is seen").toEqual([2]);
});

test("an answer to another question takes the place of all that was there", () => {
  const pages = filled(250);
  const [late] = (pages.stale(), pages.wanted(0, 50));
  pages.stale(true);
  expect(late !== undefined && pages.put(late, rows(0, PAGE, 9), 250), "asked for before the question changed").toBe(false);
  expect(pages.at(3)?.value, "nothing flickers meanwhile").toBe(0);
  const [ticket] = pages.wanted(0, 50);
  if (ticket !== undefined) pages.put(ticket, [{ uid: "only", value: 5 }], 1);
  expect([pages.total, pages.at(0)?.uid, pages.at(3), pages.find("u3")]).toEqual([1, "only", undefined, -1]);
});

test("rows change in place, and a failed page may be asked for again", () => {
  const pages = filled(120);
  expect(pages.update([{ uid: "u7", value: 42 }, { uid: "elsewhere", value: 1 }])).toBe(true);
  expect([pages.at(7)?.value, pages.get("elsewhere")]).toEqual([42, undefined]);
  expect(pages.update([{ uid: "elsewhere", value: 1 }])).toBe(false);
  pages.stale();
  const [ticket] = pages.wanted(0, 10);
  if (ticket !== undefined) pages.fail(ticket);
  expect(pages.wanted(0, 10)).toHaveLength(1);
});

test("what is far away is let go, and what is near is kept", () => {
  const pages = filled(PAGE * 60);
  pages.keep(PAGE * 10, PAGE * 11);
  expect([pages.at(PAGE * 10)?.uid, pages.at(PAGE * 22)?.uid !== undefined, pages.at(PAGE * 59), pages.find(`u${PAGE * 59}`)]).toEqual([`u${PAGE * 10}`, true, undefined, -1]);
});

test("a list that has become shorter forgets what was behind its end", () => {
  const pages = filled(250);
  pages.stale();
  const [ticket] = pages.wanted(0, 10);
  if (ticket !== undefined) pages.put(ticket, rows(0, 30), 30);
  expect([pages.total, pages.at(29)?.uid, pages.at(30), pages.at(150), pages.find("u150")]).toEqual([30, "u29", undefined, undefined, -1]);
});
