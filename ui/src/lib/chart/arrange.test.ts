import { expect, test } from "vitest";

import { arrange, dropAt, GAP, HEAD, moved, neighbour, type Placed, prefixOf, resized, seen, span, stepped } from "./arrange";

const WIDE = 1_200 - GAP;
const panel = (id: string, section = "", columns = 4, height = 200): Placed => ({ id, section, columns, height });
const ids = (panels: readonly Placed[]) => panels.map((it) => `${it.section}${it.id}`).join(" ");

test("three in a row of twelve columns, the next below the highest", () => {
  const { spots, heads, height } = arrange([panel("a"), panel("b", "", 4, 300), panel("c"), panel("d", "", 12)], [], WIDE);
  expect(heads).toEqual([]);
  expect(spots.map((it) => [it.box.left, it.box.top, it.box.width])).toEqual([[0, 0, 388], [400, 0, 388], [800, 0, 388], [0, 312, 1_188]]);
  expect(height).toBe(312 + 200 + GAP);
});

test("on a narrow page panels span more", () => {
  expect(span(4, 1_188)).toBe(4);
  expect(span(2, 1_188)).toBe(3);
  expect(span(4, 600)).toBe(6);
  expect(span(4, 400)).toBe(12);
  expect(span(12, 3_000)).toBe(12);
  expect(new Set(arrange([panel("a"), panel("b")], [], 400).spots.map((it) => it.box.left))).toEqual(new Set([0]));
});

test("sections stand in their order, each with a head; a folded one is its head alone", () => {
  const panels = [panel("a", "train"), panel("b", "val"), panel("c", "train"), panel("d", "new")];
  const { spots, heads } = arrange(panels, [{ name: "val", folded: false }, { name: "train", folded: true }, { name: "gone", folded: false }], WIDE);
  expect(heads.map((it) => [it.section, it.top, it.count])).toEqual([["val", 0, 1], ["train", HEAD + 200 + GAP, 2], ["new", 2 * HEAD + 200 + GAP, 1]]);
  expect(spots.map((it) => it.id)).toEqual(["b", "d"]);
});

test("only what is near the screen is seen", () => {
  const { spots } = arrange(Array.from({ length: 300 }, (_, i) => panel(`p${i}`)), [], WIDE);
  expect(seen(spots, 0, 700)).toHaveLength(12);
  expect(seen(spots, 10_000, 10_700).length).toBeLessThan(16);
  expect(seen(spots, 99_999, 100_700)).toHaveLength(0);
});

test("a panel is dropped before the one in whose left half it is, else after it", () => {
  const panels = ["a", "b", "c", "d"].map((it) => panel(it, "s"));
  const arranged = arrange([...panels, panel("z", "t")], [], WIDE);
  expect(dropAt(arranged, { x: 450, y: 100 }, "d")).toEqual({ section: "s", before: "b" });
  expect(dropAt(arranged, { x: 700, y: 100 }, "d")).toEqual({ section: "s", before: "c" });
  expect(dropAt(arranged, { x: 1_150, y: 100 }, "a")).toEqual({ section: "s", before: "d" });
  expect(dropAt(arranged, { x: 900, y: 300 }, "a")).toEqual({ section: "s", before: null });
  const next = arranged.heads[1]!.top;
  expect(dropAt(arranged, { x: 10, y: next + 5 }, "a")).toEqual({ section: "t", before: "z" });
  expect(dropAt(arranged, { x: 10, y: next + 9_999 }, "a")).toEqual({ section: "t", before: null });
});

test("what is moved stands where it was put, and everything else as before", () => {
  const panels = ["a", "b", "c"].map((it) => panel(it, "s")).concat(panel("z", "t"));
  expect(ids(moved(panels, "a", "s", "c"))).toBe("sb sa sc tz");
  expect(ids(moved(panels, "a", "s", null))).toBe("sb sc sa tz");
  expect(ids(moved(panels, "a", "t", "z"))).toBe("sb sc ta tz");
  expect(ids(moved(panels, "c", "s", "c"))).toBe("sa sb sc tz");
  expect(ids(moved(panels, "z", "s", "a"))).toBe("sz sa sb sc");
  expect(ids(moved(panels, "nothing", "s", "a"))).toBe("sa sb sc tz");
});

test("arrows move a panel by one place, and over the edge of its section", () => {
  const panels = ["a", "b", "c"].map((it) => panel(it, "s")).concat(panel("z", "t"));
  expect(ids(stepped(panels, [], "a", 1))).toBe("sb sa sc tz");
  expect(ids(stepped(panels, [], "b", 1))).toBe("sa sc sb tz");
  expect(ids(stepped(panels, [], "c", -1))).toBe("sa sc sb tz");
  expect(ids(stepped(panels, [], "c", 1))).toBe("sa sb tc tz");
  expect(ids(stepped(panels, [], "z", -1))).toBe("sa sb sc sz");
  expect(ids(stepped(panels, [], "a", -1))).toBe("sa sb sc tz");
});

test("arrows lead along a row and to the nearest of the next", () => {
  const { spots } = arrange([panel("a"), panel("b"), panel("c"), panel("wide", "", 12), panel("d")], [], WIDE);
  const go = (id: string, key: Parameters<typeof neighbour>[2]) => neighbour(spots, id, key);
  expect([go("a", "ArrowRight"), go("c", "ArrowRight"), go("c", "ArrowDown"), go("wide", "ArrowUp"), go("wide", "ArrowDown"), go("d", "ArrowDown"), go("a", "ArrowLeft")]).toEqual(["b", "wide", "wide", "b", "d", null, null]);
});

test("sizes are whole columns and tens of pixels, within bounds", () => {
  expect(resized(panel("a"), WIDE, { x: 180, y: 33 })).toEqual({ columns: 6, height: 230 });
  expect(resized(panel("a"), WIDE, { x: -9_999, y: -9_999 })).toEqual({ columns: 1, height: 140 });
  expect(resized(panel("a"), WIDE, { x: 9_999, y: 9_999 })).toEqual({ columns: 12, height: 900 });
});

test.each([["train/loss", "train"], ["train/heads/a", "train"], ["loss", ""], ["/odd", ""], ["val/", "val"]])("the section of %s", (key, section) => expect(prefixOf(key)).toBe(section));
