// What is said of a GPU where there is little room.

import type { DeviceSample, DriverFaultKind, Gpu, GpuProcess, IdleMemory, Vendor } from "../bindings";
import { bytes, bytesOf, count, duration, percent, plural } from "./format";
import { valueOf } from "./reading";

/** The model without the maker, whom everybody knows here; of an instance only which part of the model it is. */
export const gpuName = (gpu: Pick<Gpu, "name">): string =>
  gpu.name
    .replace(/^.* (?=MIG )/, "")
    .replace(/^(NVIDIA (GeForce )?|AMD )/, "")
    .replace(/ Generation$/, "");

/** What it is called everywhere: its number, and that of the instance where it is one. */
export const gpuLabel = (gpu: Pick<Gpu, "index" | "mig">): string => (gpu.mig.state === "instance" ? `GPU ${gpu.index}:${gpu.mig.number}` : `GPU ${gpu.index}`);

export const gpuIn = (sample: DeviceSample, uuid: string): Gpu | undefined => sample.gpus.list.find((it) => it.uuid === uuid);

/** What is known to run on it. */
export const processesOf = (gpu: Pick<Gpu, "processes">): readonly GpuProcess[] => (gpu.processes === null ? [] : (valueOf(gpu.processes) ?? []));

/** The processes on it that belong to no experiment, in a few words and in full. */
export function othersOn(gpu: Pick<Gpu, "processes">): { count: number; words: string; tip: string } {
  const others = processesOf(gpu).filter((it) => it.experiment === null);
  const memory = others.reduce((sum, it) => sum + (valueOf(it.memory) ?? 0), 0);
  const [only] = others;
  const who = others.length === 1 && only !== undefined ? `${only.owner === null ? "" : `${only.owner}: `}${only.name ?? `pid ${only.pid}`}` : plural(others.length, "other process", "other processes");
  return {
    count: others.length,
    words: `${who}${memory > 0 ? `, ${bytes(memory)}` : ""}`,
    tip: others
      .slice(0, 12)
      .map((it) => `${it.pid} ${it.owner ?? ""} ${it.command ?? it.name ?? ""}${it.memory.state === "value" ? ` · ${bytes(it.memory.value)}` : ""}`)
      .join("\n"),
  };
}

/** Memory that is held while nothing is computed, in a few words. */
export const idleWords = (idle: IdleMemory): string => `idle for ${duration(Math.floor(idle.idle_ms / 60_000) * 60_000)}, ${bytes(idle.memory)} held`;

/** All GPUs of a machine in a few words: what one of them does not tell is left out for all. */
export function totals(gpus: readonly Gpu[]): string {
  const of = gpus.filter((it) => it.fault === null);
  const all = (read: (gpu: Gpu) => number | null): number[] | null => {
    const values = of.map(read).filter((it) => it !== null);
    return values.length === of.length && values.length > 0 ? values : null;
  };
  const sum = (values: number[]) => values.reduce((total, it) => total + it, 0);
  const busy = all((it) => valueOf(it.utilisation));
  const used = all((it) => valueOf(it.memory_used));
  const total = all((it) => valueOf(it.memory_total));
  const power = all((it) => valueOf(it.power));
  const hottest = all((it) => valueOf(it.temperature));
  return [
    busy === null ? null : `${percent(sum(busy) / busy.length)} busy`,
    used === null || total === null ? null : bytesOf(sum(used), sum(total)),
    power === null ? null : `${count(Math.round(sum(power)))} W`,
    hottest === null ? null : `up to ${Math.max(...hottest)} °C`,
  ]
    .filter((it) => it !== null)
    .join(" · ");
}

const VENDORS: Record<Vendor, string> = { nvidia: "NVIDIA", amd: "AMD" };
const DRIVER_FAULTS: Record<DriverFaultKind, string> = {
  absent: "",
  no_library: "driver library missing",
  not_loaded: "driver not loaded",
  mismatch: "driver versions differ",
  no_permission: "driver refuses access",
  silent: "driver does not answer",
  failing: "driver fault",
};

/** A fault of a driver as a heading: “NVIDIA driver does not answer”. */
export const driverTitle = (vendor: Vendor, kind: DriverFaultKind): string => (kind === "absent" ? `No ${VENDORS[vendor]} driver` : `${VENDORS[vendor]} ${DRIVER_FAULTS[kind]}`);

export const vendorName = (vendor: Vendor): string => VENDORS[vendor];
