// A machine as the engine would tell of it: GPUs that are busy as they are told to be, always with the same noise.

import type { DeviceHistory, DeviceSample, Driver, DriverFaultKind, Gpu, GpuFault, GpuProcess, Mig, Reading } from "../../src/lib/bindings";
import { GIB } from "./make";

export type AGpu = {
  model?: string;
  /** Percent. */
  busy?: number;
  /** GiB in use of 48. */
  memory?: number;
  /** The uids of experiments that are on it. */
  jobs?: (string | undefined)[];
  /** How many processes of others are on it. */
  others?: number;
  fault?: GpuFault;
  mig?: Mig;
  /** Nothing but its memory is told. */
  bare?: boolean;
};

export type AMachine = { now: number; gpus?: AGpu[]; driver?: Partial<Driver>; cores?: number; samples?: number; disks?: number };

export const read = <T>(value: T): Reading<T> => ({ state: "value", value });
export const unsupported = { state: "unsupported" } as const;
export const failed = (message: string) => ({ state: "failed", message }) as const;

export const uuidOf = (index: number): string => `GPU-${index}a1b2c3d-0000-4000-8000-00000000000${index}`;

/** Between -1 and 1, the same for the same place and moment. */
function noise(place: number, step: number): number {
  const x = Math.sin(place * 127.1 + step * 311.7) * 43_758.5453;
  return (x - Math.floor(x)) * 2 - 1;
}

const OTHERS = [
  ["mira", "python", "python -m vllm.entrypoints.api_server --model llama-3-8b --port 8000"],
  ["jonas", "jupyter-lab", "/opt/conda/bin/python /opt/conda/bin/jupyter-lab --no-browser"],
  ["root", "Xorg", "/usr/lib/xorg/Xorg -core :0 -seat seat0"],
  ["mira", "ffmpeg", "ffmpeg -hwaccel cuda -i talk.mp4 -c:v h264_nvenc out.mp4"],
] as const;

function processesOn(gpu: AGpu, index: number, now: number): GpuProcess[] {
  const jobs = (gpu.jobs ?? []).filter((it): it is string => it !== undefined);
  const of = jobs.length + (gpu.others ?? 0);
  const memory = ((gpu.memory ?? 0) * GIB) / Math.max(of, 1);
  return [
    ...jobs.map((experiment, i): GpuProcess => ({ pid: 48_211 + index * 97 + i, memory: read(memory), utilisation: gpu.bare === true ? unsupported : read(Math.round((gpu.busy ?? 0) / jobs.length)), work: "compute", owner: "user", own: true, name: "python", command: "python train.py", started_at: now - (3 + i) * 3_600_000, experiment })),
    ...Array.from({ length: gpu.others ?? 0 }, (_, i): GpuProcess => {
      const [owner, name, command] = OTHERS[(i + index) % OTHERS.length] ?? OTHERS[0];
      return { pid: 2_140 + index * 131 + i, memory: read(memory), utilisation: jobs.length > 0 ? read(0) : unsupported, work: name === "Xorg" ? "graphics" : "compute", owner, own: false, name, command, started_at: now - (40 + i * 7) * 3_600_000, experiment: null };
    }),
  ];
}

function aGpuAt(gpu: AGpu, index: number, step: number, newest: boolean, now: number): Gpu {
  const busy = gpu.busy ?? 0;
  const at = Math.round(Math.min(100, Math.max(0, busy + (busy > 0 ? noise(index, step) * 6 + Math.sin(step / 9 + index) * 4 - (step % 47 === index * 7 ? busy * 0.6 : 0) : 0))));
  const some = <T>(value: T): Reading<T> => (gpu.bare === true ? unsupported : read(value));
  const memory = (gpu.memory ?? 0.4) * GIB;
  return {
    index,
    uuid: uuidOf(index),
    name: gpu.model ?? "NVIDIA H100 80GB HBM3",
    vendor: "nvidia",
    pci: `00000000:${(0x17 + index * 0x22).toString(16).toUpperCase()}:00.0`,
    fault: gpu.fault ?? null,
    mig: gpu.mig ?? { state: "off" },
    utilisation: some(at),
    memory_utilisation: some(Math.round(at * 0.6)),
    memory_used: read(memory + (busy > 0 ? noise(index + 50, Math.floor(step / 20)) * 0.4 * GIB : 0)),
    memory_total: read(48 * GIB),
    temperature: some(Math.round(38 + busy * 0.35 + noise(index, Math.floor(step / 6)))),
    fan: some(Math.round(30 + busy * 0.4)),
    clock: some(busy > 0 ? 2_505 : 210),
    memory_clock: some(busy > 0 ? 10_001 : 405),
    power: some(24 + busy * 2.6 + noise(index, step) * 5),
    power_limit: some(300),
    energy: some(1_000_000 + step * 200),
    processes: newest ? read(processesOn(gpu, index, now)) : null,
  };
}

function aSample(machine: AMachine, at: number, step: number, newest: boolean): DeviceSample {
  const cores = machine.cores ?? 32;
  const per_core = Array.from({ length: cores }, (_, core) => Math.round(Math.max(0, Math.min(100, (core % 5 === 0 ? 88 : core % 3 === 0 ? 40 : 9) + noise(core, step) * 9))));
  const list: Gpu[] = (machine.gpus ?? []).map((it, index) => aGpuAt(it, index, step, newest, machine.now));
  // An instance is told after the GPU that it is part of, under that one's index.
  let whole = -1;
  let number = 0;
  for (const gpu of list) {
    if (gpu.mig.state === "instance") {
      gpu.uuid = `MIG-${whole}${number}b2c3d4-0000-5000-8000-00000000000${number}`;
      gpu.index = whole;
      number += 1;
    } else {
      whole += 1;
      number = 0;
      gpu.index = whole;
    }
  }
  return {
    at,
    pace_ms: 1_000,
    host: "workstation",
    cpu: read(per_core.reduce((sum, it) => sum + it, 0) / cores),
    per_core: read(per_core),
    cores,
    load: read({ one: 9.4, five: 8.8, fifteen: 8.1 }),
    memory_used: read((58 + noise(9, Math.floor(step / 8))) * GIB),
    memory_total: read(256 * GIB),
    swap_used: read(0.3 * GIB),
    swap_total: read(8 * GIB),
    disks: [
      { label: "Data folder", holds: ["data folder", "project vit-distill", "project segmentation"], path: "/home/user", mount: "/home", file_system: "ext4", free: read(1_200 * GIB), total: read(3_600 * GIB) },
      { label: "/mnt/nfs/datasets", holds: ["watched folder"], path: "/mnt/nfs/datasets", mount: "/mnt/nfs/datasets", file_system: "nfs4", free: read(310 * GIB), total: read(20_480 * GIB) },
      ...Array.from({ length: machine.disks ?? 0 }, (_, i) => ({ label: `/scratch/${i}`, holds: [`project ${i}`], path: `/scratch/${i}`, mount: `/scratch/${i}`, file_system: "xfs", free: i === 2 ? failed("the server does not answer") : read(90 * GIB), total: i === 2 ? failed("the server does not answer") : read(7_000 * GIB) })),
    ],
    network: [
      { name: "enp5s0", received: read(84e6 + noise(3, Math.floor(step / 7)) * 60e6), sent: read(2.1e6 + noise(4, Math.floor(step / 7)) * 1.6e6) },
      { name: "wlp6s0", received: read(0), sent: read(0) },
    ],
    temperatures: [
      { label: "CPU package", value: read(62 + noise(1, Math.floor(step / 4)) * 2), critical: 95 },
      { label: "NVMe Samsung 990 PRO", value: read(48), critical: 84.8 },
      { label: "Mainboard", value: read(36), critical: null },
    ],
    gpus: { list, drivers: [{ vendor: "nvidia", version: "550.54.15", cuda: "12.4", fault: null, ...machine.driver }] },
  };
}

export function aMachine(machine: AMachine): DeviceHistory {
  const count = machine.samples ?? 300;
  return {
    facts: { name: "workstation", system: "Linux (Debian GNU/Linux 12)", kernel: "6.1.0-28-amd64", cpu: "AMD Ryzen Threadripper PRO 5975WX", booted_at: machine.now - 12.3 * 86_400_000 },
    samples: Array.from({ length: count }, (_, i) => aSample(machine, machine.now - (count - 1 - i) * 1_000, i, i === count - 1)),
  };
}

/** The next second of it. */
export const nextSample = (machine: AMachine, step: number): DeviceSample => aSample(machine, machine.now + step * 1_000, (machine.samples ?? 300) - 1 + step, true);

const FAULTS: Record<DriverFaultKind, { message: string; next_step: string | null }> = {
  absent: { message: "No NVIDIA driver is installed: there is neither its library (libnvidia-ml.so.1) nor its kernel module.", next_step: null },
  no_library: { message: "The NVIDIA kernel module 550.54.15 is loaded, but its library libnvidia-ml.so.1 is missing.", next_step: "Install the package that holds it (libnvidia-ml1) in the same version." },
  not_loaded: { message: "The NVIDIA library is there, but the kernel module is not loaded.", next_step: "Load it with “sudo modprobe nvidia”; after an update of the kernel, the module may have to be built anew." },
  mismatch: { message: "The library is of version 560.35 and the kernel module of 550.54.15: the driver was upgraded while it was in use.", next_step: "Restart the machine, or unload and load the nvidia modules. Jobs that run go on." },
  no_permission: { message: "This user may not open /dev/nvidiactl.", next_step: "Add the user to the group “video”, and log in anew." },
  silent: { message: "The NVIDIA driver has not answered for 2 min.", next_step: "Look for “NVRM” in “sudo dmesg”; a GPU may hang. Nothing new is put on the GPUs until it answers." },
  failing: { message: "The NVIDIA driver answers with errors: Unknown Error.", next_step: "Look for “NVRM” in “sudo dmesg”." },
};

export const driverFault = (kind: DriverFaultKind): Driver["fault"] => ({ kind, ...FAULTS[kind] });

export const LOST: GpuFault = { kind: "lost", message: "It has fallen off the bus.", next_step: "Restart the machine; if it happens again, look at its power supply, its seat and its temperature." };
