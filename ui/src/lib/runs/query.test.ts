import { expect, test } from "vitest";

import { narrowed, pieces, quoted } from "./query";

const kinds = (query: string) => pieces(query).filter((it) => it.kind !== "space").map((it) => `${it.text}|${it.kind}`);

test("a query is coloured by what its words are", () => {
  expect(kinds('metrics.val/acc.max > 0.9 and config.lr in (0.1, 3e-4) and not tag:baseline or started > -7d')).toEqual([
    "metrics.val/acc.max|field",
    ">|operator",
    "0.9|number",
    "and|word",
    "config.lr|field",
    "in|word",
    "(|plain",
    "0.1|number",
    ",|plain",
    "3e-4|number",
    ")|plain",
    "and|word",
    "not|word",
    "tag|field",
    ":|operator",
    "baseline|text",
    "or|word",
    "started|field",
    ">|operator",
    "-7d|number",
  ]);
  expect(kinds('name ~ "a b" has config.lr metrics."a b".max >= nan')).toEqual(["name|field", "~|operator", '"a b"|text', "has|word", "config.lr|field", 'metrics."a b".max|field', ">=|operator", "nan|number"]);
  expect(kinds("resnet fifty")).toEqual(["resnet|plain", "fifty|plain"]);
});

test("the pieces are the whole of the query, whatever is typed", () => {
  for (const query of ["", "  ", '"', 'a = "b', "metrics.", "((((", "!", "!=", "a:b:c", 'x."y".z = 1', "lr<=>~", "ä = ö", '"a\\"b"', "-", "a !b"]) {
    expect(pieces(query).map((it) => it.text).join(""), query).toBe(query);
  }
});

test("a condition is added so that an `or` before it stays together", () => {
  expect(narrowed("", "a = 1")).toBe("a = 1");
  expect(narrowed("b = 2", "a = 1")).toBe("b = 2 and a = 1");
  expect(narrowed("b = 2 or c = 3", "a = 1")).toBe("(b = 2 or c = 3) and a = 1");
  expect(quoted('say "a\\b"')).toBe('"say \\"a\\\\b\\""');
});
