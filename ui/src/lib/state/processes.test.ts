import { expect, test } from "vitest";
import { aMachine, read, unsupported } from "../../../tests/fake/machine";
import type { Gpu } from "../bindings";
import { healthOf } from "./health";
import { isIdle, rowsOf, SHOWN, sorted } from "./processes";

const gpus = (...of: Parameters<typeof aMachine>[0]["gpus"] & object): Gpu[] => aMachine({ now: 1_790_000_000_000, gpus: of }).samples.at(-1)?.gpus.list ?? [];
const NAMES = new Map([["20261121_aaaa", "vit"]]);

test("a process that is on two GPUs is a row on each, and one that is not told of is none", () => {
  const [one, two] = gpus({ busy: 90, memory: 20, jobs: ["20261121_aaaa"] }, { busy: 90, memory: 20 });
  if (one === undefined || two === undefined || one.processes === null) throw new Error("two GPUs");
  const rows = rowsOf([one, { ...two, processes: one.processes }, { ...two, uuid: "third", processes: { state: "failed", message: "no" } }, { ...two, uuid: "past", processes: null }]);
  expect(rows.map((it) => it.label)).toEqual(["GPU 0", "GPU 1"]);
  expect(new Set(rows.map((it) => it.key)).size).toBe(2);
});

test("idle is who holds memory and is known to compute nothing", () => {
  const [row] = rowsOf(gpus({ memory: 20, jobs: ["20261121_aaaa"] }));
  if (row === undefined) throw new Error("a row");
  const like = (more: Partial<typeof row.process>) => isIdle({ ...row, process: { ...row.process, ...more } });
  expect(like({ utilisation: read(0) })).toBe(true);
  expect(like({ utilisation: read(3) })).toBe(false);
  expect(like({ utilisation: unsupported }), "nobody knows").toBe(false);
  expect(like({ utilisation: read(0), memory: unsupported })).toBe(false);
  expect(like({ utilisation: read(0), work: "graphics" }), "a screen is no hoard").toBe(false);
});

test("rows are found by whose they are, and sorted with what is not known at the end", () => {
  const rows = rowsOf(gpus({ busy: 90, memory: 30, jobs: ["20261121_aaaa"], others: 2 }, { memory: 2, others: 1 }));
  expect(rows.filter(SHOWN.mine)).toHaveLength(1);
  expect(rows.filter(SHOWN.others)).toHaveLength(3);
  expect(sorted(rows, "gpu", false, NAMES).map((it) => [it.gpu.index, it.process.experiment !== null])).toEqual([[0, true], [0, false], [0, false], [1, false]]);
  const busy = sorted(rows, "busy", true, NAMES).map((it) => it.process.utilisation.state);
  expect(busy.at(-1)).toBe("unsupported");
  expect(sorted(rows, "busy", false, NAMES).at(-1)?.process.utilisation.state, "either way").toBe("unsupported");
  expect(sorted(rows, "memory", true, NAMES).map((it) => it.gpu.index)).toEqual([0, 0, 0, 1]);
  expect(sorted(rows, "what", true, NAMES)[0]?.process.experiment).toBe("20261121_aaaa");
});

test("health goes by the age of the last heartbeat", () => {
  expect([0, 30_000, 30_001, 60_000, 60_001, Infinity].map((it) => healthOf(it).word)).toEqual(["healthy", "healthy", "stale", "stale", "disconnected", "disconnected"]);
});
