import { expect, test } from "vitest";
import { aMachine, LOST, read, unsupported } from "../../../tests/fake/machine";
import type { Gpu } from "../bindings";
import { driverTitle, gpuLabel, gpuName, idleWords, othersOn, totals } from "./gpu";

const NOW = 1_790_000_000_000;
const gpus = (...of: Parameters<typeof aMachine>[0]["gpus"] & object): Gpu[] => aMachine({ now: NOW, gpus: of }).samples.at(-1)?.gpus.list ?? [];
const GIB = 1024 ** 3;

test("names leave out what everybody knows", () => {
  expect(["NVIDIA GeForce RTX 4090", "NVIDIA RTX 6000 Ada Generation", "AMD Radeon PRO W7900", "NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3 MIG 3g.40gb"].map((name) => gpuName({ name }))).toEqual(["RTX 4090", "RTX 6000 Ada", "Radeon PRO W7900", "H100 80GB HBM3", "MIG 3g.40gb"]);
  expect(gpuLabel({ index: 1, mig: { state: "instance", parent: "", number: 2 } })).toBe("GPU 1:2");
  expect([driverTitle("nvidia", "absent"), driverTitle("amd", "silent")]).toEqual(["No NVIDIA driver", "AMD driver does not answer"]);
  expect(idleWords({ memory: 6 * GIB, idle_ms: 725_000, pids: [1] })).toBe("idle for 12 min, 6.0 GiB held");
});

test("totals leave out what one of them does not tell, and what is lost", () => {
  const [one, two] = gpus({}, {});
  if (one === undefined || two === undefined) throw new Error("two GPUs");
  const like = (more: Partial<Gpu>): Gpu => ({ ...one, utilisation: read(40), memory_used: read(10 * GIB), memory_total: read(48 * GIB), power: read(100.4), temperature: read(60), ...more });
  expect(totals([like({}), like({ utilisation: read(80), temperature: read(71) })]).replace(/\u202f/g, " ")).toBe("60 % busy · 20.0 of 96 GiB · 201 W · up to 71 °C");
  expect(totals([like({}), like({ power: unsupported, utilisation: { state: "failed", message: "no" } })])).toBe("20.0 of 96 GiB · up to 60 °C");
  expect(totals([like({}), like({ fault: LOST, temperature: read(99) })]).replace(/\u202f/g, " ")).toBe("40 % busy · 10.0 of 48 GiB · 100 W · up to 60 °C");
  expect([totals([]), totals([like({ fault: LOST })])]).toEqual(["", ""]);
});

test("others are told in words, with the memory that is known", () => {
  const [shared, alone] = gpus({ memory: 30, jobs: ["20261121_aaaa"], others: 2 }, { memory: 2, others: 1 });
  if (shared === undefined || alone === undefined) throw new Error("two GPUs");
  expect(othersOn(shared)).toMatchObject({ count: 2, words: "2 other processes, 20.0 GiB" });
  expect(othersOn(alone).words).toBe("jonas: jupyter-lab, 2.0 GiB");
  expect(othersOn({ processes: { state: "failed", message: "no" } }).count).toBe(0);
});
