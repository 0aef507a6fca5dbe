import { expect, test, vi } from "vitest";

import type { RunMedium } from "../bindings";
import type { App } from "../state/app.svelte";
import { mediaNames, Pictures, stopAt, stops } from "./media";

const item = (step: number, index: number, from: number): RunMedium => ({ kind: "image", key: "a", index, step, wall: null, width: 1, height: 1, file: "/f", place: { at: "bytes", from, to: from + 1, form: "picture" } });

test("what was logged again at a step takes the place of what was there", () => {
  const all = stops([item(20, 1, 0), item(20, 0, 1), item(10, 0, 2), item(20, 0, 3)]);
  expect(all.map((it) => [it.step, it.items.map((one) => one.place)])).toEqual([
    [10, [item(10, 0, 2).place]],
    [20, [item(20, 0, 3).place, item(20, 1, 0).place]],
  ]);
  expect([stopAt(all, 14), stopAt(all, 16), stopAt([], 1)]).toEqual([0, 1, -1]);
});

test("only what can be shown has a name here", () => {
  const media = [
    { kind: "images", key: "a", count: 3 },
    { kind: "histograms", key: "a", count: 3 },
    { kind: "text", key: "b", count: 1 },
    { kind: "images", key: "a", count: 2 },
  ];
  expect(mediaNames({ media })).toBe(2);
});

test("a picture is asked for once, again after a failure, and again when too many came after it", async () => {
  const base64 = "x".repeat(20_000_000);
  const call = vi.fn(async () => ({ mime: "image/png", width: 1, height: 1, base64 }));
  const pictures = new Pictures({ call } as unknown as App, "r1");
  call.mockRejectedValueOnce(new Error("gone"));
  await expect(pictures.of(item(1, 0, 0))).rejects.toThrow("gone");
  expect((await pictures.of(item(1, 0, 0))).url).toMatch(/^data:image\/png;base64,xx/);
  await pictures.of(item(1, 0, 0));
  expect(call).toHaveBeenCalledTimes(2);
  await pictures.of(item(1, 0, 1));
  await pictures.of(item(1, 0, 0));
  await pictures.of(item(1, 0, 2));
  expect(call).toHaveBeenCalledTimes(4);
  await pictures.of(item(1, 0, 0));
  expect(call).toHaveBeenCalledTimes(4);
  await pictures.of(item(1, 0, 1));
  expect(call).toHaveBeenCalledTimes(5);
});
