import { expect, test } from "vitest";
import { anExperiment, GIB } from "../../../tests/fake/make";
import type { Requirements } from "../bindings";
import { gpuWords, needsInFull, needsWords, parseSize, sizeText } from "./needs";
import { roughly, startsWords, stateOf } from "./status";

test.each([
  ["40", 40 * GIB],
  ["40 GiB", 40 * GIB],
  ["40g", 40 * GIB],
  ["1.5 T", 1.5 * 1024 * GIB],
  ["512M", GIB / 2],
  ["12,5", 12.5 * GIB],
  ["0", null],
  ["forty", null],
  ["4 0", null],
])("the size %s", (text, size) => {
  expect(parseSize(text)).toBe(size);
  if (size !== null) expect(parseSize(sizeText(size)), "what is shown reads back").toBe(size);
});

test("what is asked for, short and in full", () => {
  expect(gpuWords({})).toBe("");
  expect(gpuWords({ gpus: 1 })).toBe("1 GPU");
  expect(gpuWords({ gpus: 2, gpu_memory: 40 * GIB })).toBe("2 × 40 GiB");
  expect(needsWords({ gpus: 1, gpu_model: "A100", cpu_cores: 8, memory: 64 * GIB })).toBe("1 × A100 · 8 cores · 64 GiB memory");
  expect(needsInFull({ gpus: 1 })).toBe("1 GPU · for itself");
  expect(needsInFull({ gpus: 1, gpu_memory: GIB, estimated_ms: 7_200_000 })).toBe("1 × 1 GiB · shared · about 2 h");
});

test("what the engine writes down as null is not asked for", () => {
  const nulls = { cpu_cores: null, memory: null, disk: null, gpus: 0, gpu_memory: null, gpu_model: null, gpu_uuids: [], gpu_exclusive: null, estimated_ms: null } as unknown as Requirements;
  expect([gpuWords(nulls), needsWords(nulls), needsInFull(nulls)]).toEqual(["", "", ""]);
  expect(needsInFull({ ...nulls, gpus: 1 })).toBe("1 GPU · for itself");
});

test.each([
  [30_000, "1 min"],
  [7 * 60_000, "7 min"],
  [32 * 60_000, "30 min"],
  [90 * 60_000, "1½ h"],
  [58 * 60_000, "1 h"],
  [5.2 * 3_600_000, "5 h"],
  [3 * 86_400_000, "3 days"],
])("%d ms is about %s", (ms, words) => expect(roughly(ms)).toBe(words));

test("how it stands is told by what is in its way", () => {
  const word = (more: object, status: "pending" | "queued" | "running" = "pending") => stateOf(anExperiment("a", status, more)).word;
  expect(word({ held: true, retry_at: 5 })).toBe("Held");
  expect(word({ retry_at: 5, not_before: 9 })).toBe("Retrying");
  expect(word({ waits_for: 2, not_before: 9 })).toBe("Depends");
  expect(word({ window: "nights" })).toBe("Scheduled");
  expect(word({})).toBe("Pending");
  expect(word({ window: "nights" }, "queued")).toBe("Queued");
  expect(word({ cancelling: true }, "running")).toBe("Stopping");
});

test("when it starts is said only where it is known", () => {
  expect(startsWords(anExperiment("a"), 0)).toBe("");
  expect(startsWords(anExperiment("a", "queued", { estimated_start: 7_200_000 }), 0)).toBe("in about 2 h");
  expect(startsWords(anExperiment("a", "queued", { estimated_start: 10 }), 0)).toBe("soon");
  expect(startsWords(anExperiment("a", "pending", { held: true, estimated_start: 7_200_000 }), 0)).toBe("");
});
