import { expect, test } from "vitest";

import { apart, sharedStart, withoutStart } from "./names";

test.each([
  [["a run that is long, seed=1, x", "a run that is long, seed=2, x"], ["…seed=1, x", "…seed=2, x"]],
  [["resnet50-lr0.01-s1", "resnet50-lr0.003-s1"], ["resnet50-lr0.01-s1", "resnet50-lr0.003-s1"]],
  [["the-only-one-of-its-kind"], ["the-only-one-of-its-kind"]],
  [["convnext-large-", "convnext-large-b"], ["convnext-large-", "convnext-large-b"]],
  [["convnext-large-a", "convnext-large-a"], ["…a", "…a"]],
  [["convnext-large-a", "vit"], ["convnext-large-a", "vit"]],
  [[], []],
])("%j are told apart as %j", (names, shown) => {
  expect(apart(names)).toEqual(shown);
});

test("a name that came later and begins otherwise is shown as it is", () => {
  const start = sharedStart(["sweep of november/lr 1", "sweep of november/lr 2"]);
  expect(start).toBe("sweep of november/lr ");
  expect(withoutStart("sweep of november/lr 3", start)).toBe("…3");
  expect(withoutStart("another", start)).toBe("another");
});
