// What is said of a GPU where there is little room.

import type { DeviceSample, DriverFaultKind, Gpu, GpuProcess, Vendor } from "../bindings";
import { bytes, plural } from "./format";
import { valueOf } from "./reading";

/** The model without the maker, whom everybody knows here. */
export const gpuName = (gpu: Pick<Gpu, "name">): string => gpu.name.replace(/^(NVIDIA (GeForce )?|AMD )/, "").replace(/ Generation$/, "");

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
