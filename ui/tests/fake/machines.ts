// Machines to look at, by name: `?machine=eight` in the address of the page over the engine in memory.

import { aMachine, driverFault, LOST, type AGpu, type AMachine } from "./machine";
import type { FakeEngine } from "./engine";

const H100 = "NVIDIA H100 80GB HBM3";
const several = (count: number, make: (index: number) => AGpu): AGpu[] => Array.from({ length: count }, (_, index) => make(index));

export const MACHINES: Record<string, (now: number, uids: readonly string[]) => AMachine> = {
  /** Eight GPUs with ten processes each. */
  eight: (now, uids) => ({ now, cores: 128, disks: 5, gpus: several(8, (i) => ({ model: H100, busy: [98, 96, 71, 0, 44, 99, 0, 87][i] ?? 0, memory: [46, 44, 30, 18, 20, 47, 0.4, 40][i] ?? 1, jobs: i === 3 || i === 6 ? [] : [uids[i % uids.length]], others: i === 6 ? 0 : i === 3 ? 10 : 9 })) }),
  /** A hundred processes on four. */
  hundred: (now, uids) => ({ now, gpus: several(4, (i) => ({ busy: 60 + i * 10, memory: 40, jobs: [uids[i]], others: 24 })) }),
  none: (now) => ({ now, driver: { version: null, cuda: null, fault: driverFault("absent") } }),
  empty: (now) => ({ now }),
  silent: (now) => ({ now, driver: { fault: driverFault("silent") }, gpus: several(2, () => ({ fault: { kind: "driver", message: "Its driver does not answer.", next_step: "What is wrong with the driver stands above." } })) }),
  mismatch: (now) => ({ now, driver: { version: null, cuda: null, fault: driverFault("mismatch") } }),
  /** One of four fell off the bus; one tells of its memory alone. */
  lost: (now, uids) => ({ now, gpus: several(4, (i) => (i === 2 ? { fault: LOST } : { busy: 80, memory: 30, jobs: [uids[i]], bare: i === 3 })) }),
  mig: (now, uids) => ({
    now,
    gpus: [
      { model: H100, busy: 91, memory: 44, jobs: [uids[0]] },
      { model: H100, memory: 30, mig: { state: "divided", instances: 3 } },
      ...several(3, (i): AGpu => ({ model: ["NVIDIA H100 80GB HBM3 MIG 3g.40gb", "NVIDIA H100 80GB HBM3 MIG 2g.20gb", "NVIDIA H100 80GB HBM3 MIG 1g.10gb"][i] ?? "", memory: [22, 8, 0.1][i] ?? 0, jobs: i < 2 ? [uids[i + 1]] : [], mig: { state: "instance", parent: "", number: i }, bare: true })),
    ],
  }),
  busy: (now, uids) => ({ now, gpus: several(4, (i) => ({ busy: 90, memory: 40, jobs: [uids[i]] })) }),
};

/** Puts one of them under an engine; its queue then has as many GPUs. */
export function useMachine(engine: FakeEngine, name: string, now: number): AMachine | null {
  const make = MACHINES[name];
  if (make === undefined) return null;
  const running = engine.section("active");
  const machine = make(now, running.map((it) => it.uid));
  const told = aMachine(machine);
  engine.answers["device.history"] = () => told;
  const list = told.samples.at(-1)?.gpus.list ?? [];
  const [like] = engine.resources.gpus;
  engine.resources = {
    ...engine.resources,
    gpus: like === undefined ? [] : list.filter((it) => it.mig.state !== "divided").map((it, i) => {
      const jobs = (machine.gpus?.[list.indexOf(it)]?.jobs ?? []).flatMap((uid) => running.filter((one) => one.uid === uid).map((one) => ({ uid: one.uid, name: one.name })));
      return { ...like, index: i, uuid: it.uuid, name: it.name, jobs, blocked: name === "eight" && i === 6, unavailable: it.fault !== null ? it.fault.message : name === "eight" && i === 6 ? "Taken out of the queue by you" : null };
    }),
  };
  return machine;
}
