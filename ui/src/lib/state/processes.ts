// The processes on the GPUs as a list: which are shown, and in which order. Pure.

import type { Gpu, GpuProcess } from "../bindings";
import { gpuLabel, processesOf } from "../util/gpu";
import { valueOf } from "../util/reading";

export type Row = { key: string; gpu: Gpu; label: string; process: GpuProcess };
export type Column = "gpu" | "pid" | "owner" | "what" | "memory" | "busy" | "since";
export type Show = "all" | "mine" | "others" | "idle";

/** One row for each process and GPU that it is on. */
export function rowsOf(gpus: readonly Gpu[]): Row[] {
  return gpus.flatMap((gpu) => processesOf(gpu).map((process) => ({ key: `${gpu.uuid} ${process.pid}`, gpu, label: gpuLabel(gpu), process })));
}

/** It holds memory, and computed nothing when last looked at. Where that is not told, nothing is said of it. */
export const isIdle = ({ process }: Row): boolean => process.work !== "graphics" && valueOf(process.utilisation) === 0 && (valueOf(process.memory) ?? 0) > 0;

export const SHOWN: Record<Show, (row: Row) => boolean> = {
  all: () => true,
  mine: ({ process }) => process.own,
  others: ({ process }) => !process.own,
  idle: isIdle,
};

/** What a process is called: its job's name where it has one. */
export const nameOf = (row: Row, names: ReadonlyMap<string, string>): string => names.get(row.process.experiment ?? "") ?? row.process.command ?? row.process.name ?? "";

export function sorted(rows: readonly Row[], by: Column, down: boolean, names: ReadonlyMap<string, string>): Row[] {
  const compare = (a: Row, b: Row): number => {
    const [x, y] = [keyOf(a, by, names), keyOf(b, by, names)];
    // What is not known stands last, whichever way the list is turned.
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    const order = typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y)) : x - y;
    return down ? -order : order;
  };
  return [...rows].sort((a, b) => compare(a, b) || a.gpu.index - b.gpu.index || Number(a.process.experiment === null) - Number(b.process.experiment === null) || (valueOf(b.process.memory) ?? 0) - (valueOf(a.process.memory) ?? 0) || a.process.pid - b.process.pid);
}

function keyOf(row: Row, by: Column, names: ReadonlyMap<string, string>): number | string | null {
  const { process } = row;
  switch (by) {
    case "gpu":
      return row.label;
    case "pid":
      return process.pid;
    case "owner":
      return process.owner;
    case "what":
      return nameOf(row, names);
    case "memory":
      return valueOf(process.memory);
    case "busy":
      return valueOf(process.utilisation);
    case "since":
      return process.started_at;
  }
}
