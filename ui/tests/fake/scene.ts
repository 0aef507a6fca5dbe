// A queue to look at: a bit of everything that the window can show.

import type { Bar, Event, Experiment, GpuResource, NotificationKind } from "../../src/lib/bindings";
import { FakeEngine, someGpus } from "./engine";
import { aMachine } from "./machine";
import { anExperiment, aNotification, GIB, NO_COUNTS } from "./make";

const MIN = 60_000;
const HOUR = 60 * MIN;

export function aScene(engine: FakeEngine, now: number, many = 0): void {
  let serial = 0;
  const uid = () => `20261121_${(0x7e00 + serial++).toString(16)}`;
  const make = (name: string, status: Experiment["status"], more: Partial<Experiment> = {}) => anExperiment(uid(), status, { name, created_at: now - (200 - serial) * MIN, started_at: status === "running" || status === "paused" ? now - 3 * HOUR : null, completed_at: null, command: ["python", "train.py"], command_line: "python train.py", ...more });
  const progress = (current: number, total: number) => ({ fraction: current / total, current, total, unit: "epoch" as const });
  const metrics = (key: string, value: number) => [{ key, value, step: 42_600 }];

  const running = [
    make("vit-s16 distill kd=0.7", "running", { project: "vit-distill", progress: progress(71, 100), metrics: [...metrics("val/acc", 0.8231), ...metrics("val/loss", 1.3142), ...metrics("train/loss", 1.1261), ...metrics("lr", 5.73e-5)], gpus: [0], started_at: now - 11 * HOUR, estimated_end: now + 4.5 * HOUR }),
    make("vit-s16 distill kd=0.5", "running", { project: "vit-distill", progress: progress(64, 100), metrics: metrics("val/acc", 0.8174), gpus: [1] }),
    make("ppo humanoid seed 4", "paused", { project: "rl-locomotion", progress: { fraction: 0.9, current: null, total: null, unit: "percent" }, metrics: metrics("return", 5912), gpus: [3] }),
  ];
  const waiting = [
    make("eval all seeds", "pending", { project: "rl-locomotion", waits_for: 1, priority: "high", wait_reason: "After ppo humanoid seed 4 succeeds" }),
    make("llama-lora rank 64", "queued", { project: "vit-distill", priority: "high", requirements: { gpus: 2, gpu_memory: 40 * GIB }, wait_reason: "Waits for 2 GPUs with 40 GiB free: 1 is free", estimated_start: now + 2.1 * HOUR }),
    make("vit-s16 distill kd=0.9", "queued", { project: "vit-distill", requirements: { gpus: 1, gpu_memory: 40 * GIB }, wait_reason: "Would delay llama-lora rank 64, which starts in about 2 h", estimated_start: now + 4.4 * HOUR }),
    make("nightly retrain", "pending", { project: "segmentation", window: "nights", requirements: { gpus: 1, gpu_memory: 24 * GIB }, wait_reason: "Window “nights” opens at 22:00", not_before: null }),
    make("tokenizer retrain", "pending", { project: "vit-distill", retry_at: now + 4 * MIN, retries_used: 1, attempt: 1, wait_reason: "Retry 1 of 3 in 4 min: it was lost" }),
    make("ablation no-ema", "pending", { project: "vit-distill", held: true, priority: "low", requirements: { gpus: 1 }, wait_reason: "Held by you" }),
    make("export onnx", "queued", { requirements: { cpu_cores: 8, memory: 32 * GIB }, priority: "low", wait_reason: "Waits for 8 cores: 3 of 16 are free", estimated_start: now + 20 * MIN }),
  ];
  const sweep = (["1e-3", "3e-4", "1e-4"] as const).flatMap((lr, i) =>
    [1, 2, 3, 4, 5].map((seed, j) => {
      const n = i * 5 + j;
      const more = { project: "segmentation", group: "unet++ lr sweep", command_line: `python train.py --lr ${lr} --seed ${seed}`, requirements: { gpus: 1, gpu_memory: 16 * GIB }, priority: "normal" as const };
      const name = `unet++ lr=${lr} seed=${seed}`;
      if (n < 6) return make(name, n === 4 ? "failed" : "completed", { ...more, started_at: now - 9 * HOUR, completed_at: now - (8 - n) * HOUR, metrics: metrics("val/iou", 0.7 + n / 100), failure: n === 4 ? { reason: "out_of_memory", exit_code: 1, signal: null, message: "Out of GPU memory on GPU 3. It reached 15.8 GiB." } : null });
      if (n < 8) return make(name, "running", { ...more, gpus: [n === 6 ? 2 : 3], progress: progress(13 + n, 60), metrics: metrics("val/iou", 0.74), started_at: now - (n - 5) * HOUR });
      return make(name, "queued", { ...more, wait_reason: "Group unet++ lr sweep: 2 of 2 running", estimated_start: now + n * HOUR });
    }),
  );
  const others = [1, 2, 3, 4].map((n) => make(`segformer b2 seed ${n}`, "completed", { project: "segmentation", group: "segformer", started_at: now - 30 * HOUR + n * HOUR, completed_at: now - 29 * HOUR + n * HOUR, metrics: metrics("val/iou", 0.779 + n / 1000) }));
  const finished = [
    make("segformer b2 seed 3", "completed", { project: "segmentation", started_at: now - 3 * HOUR, completed_at: now - 108 * MIN, metrics: metrics("val/iou", 0.7813) }),
    make("llama-lora rank 128", "failed", { project: "vit-distill", started_at: now - 4 * HOUR, completed_at: now - 4 * HOUR + 41_000, failure: { reason: "out_of_memory", exit_code: 1, signal: null, message: "Out of GPU memory on GPU 1 after 41 s. It asked for 40 GiB and reached 47.2 GiB." }, requirements: { gpus: 1, gpu_memory: 40 * GIB } }),
    make("smoke test", "cancelled", { started_at: null, completed_at: now - 5 * HOUR }),
    make("weekend run", "expired", { completed_at: now - 6 * HOUR }),
  ];
  engine.add(...running, ...waiting, ...sweep, ...others, ...finished);
  engine.groups = [
    { name: "unet++ lr sweep", parallel: 2, sweep: { axes: [{ key: "lr", values: ["1e-3", "3e-4", "1e-4"] }, { key: "seed", values: ["1", "2", "3", "4", "5"] }] }, created_at: now - 9 * HOUR, counts: NO_COUNTS },
    { name: "segformer", parallel: null, sweep: null, created_at: now - 30 * HOUR, counts: NO_COUNTS },
  ];
  for (let i = 0; i < many; i += 1) {
    const ends = now - 40 * HOUR - i * 1_000;
    engine.experiments.push(anExperiment(`20260101_${i.toString(16).padStart(6, "0")}`, i % 17 === 0 ? "failed" : "completed", { name: `run ${i}`, created_at: ends - HOUR, started_at: ends - HOUR, completed_at: ends, metrics: metrics("loss", 0.3 + (i % 100) / 300) }));
  }

  const told: [number, Event["what"], string | null, string][] = [];
  for (const it of engine.experiments.slice(0, 60)) {
    told.push([it.created_at, "added", it.uid, `${it.name} was queued`]);
    if (it.started_at !== null) told.push([it.started_at, "started", it.uid, `${it.name} started on ${it.gpus.length > 0 ? `GPU ${it.gpus.join(", ")}` : "the CPU"}`]);
    if (it.completed_at === null) continue;
    if (it.status === "completed") told.push([it.completed_at, "completed", it.uid, `${it.name} completed after 1 h`]);
    if (it.status === "failed") told.push([it.completed_at, "failed", it.uid, `${it.name} failed after 41 s: ${it.failure?.message ?? ""}`]);
    if (it.status === "cancelled" || it.status === "expired") told.push([it.completed_at, it.status, it.uid, `${it.name} ${it.status === "expired" ? "expired: its time to start passed" : "was cancelled before it started"}`]);
  }
  told.push([now - 31 * HOUR, "engine_started", null, "An engine began to work"], [now - 7 * HOUR, "gpu_blocked", null, "GPU 2 was taken out of the queue"], [now - 6.5 * HOUR, "gpu_unblocked", null, "GPU 2 was given back to the queue"], [now - 2 * HOUR, "paused", running[2]?.uid ?? null, "ppo humanoid seed 4 was paused; its GPU memory stays taken"], [now - 1.2 * HOUR, "deleted", "20261101_0001", "an old attempt was deleted"], [now - 40 * MIN, "group_changed", null, "Group unet++ lr sweep: 2 at once"], [now - 3 * MIN, "retrying", waiting[4]?.uid ?? null, "tokenizer retrain was lost; retry 1 of 3 in 4 min"]);
  for (const [at, what, it, message] of told.sort((a, b) => a[0] - b[0])) engine.record(what, it, message, at);
  engine.monitors = [
    { folder: "/mnt/nfs/datasets/vit-distill/outputs", files: "metrics", mode: "polling", reason: "It lies on NFS, where the kernel does not tell what other machines write.", experiments: [running[0]?.uid ?? ""], folders: 12, polled: 12 },
    { folder: "/home/user/src/rl-locomotion", files: "metrics", mode: "events", reason: null, experiments: [running[2]?.uid ?? ""], folders: 40, polled: 0 },
  ];

  const [first, second, third] = running;
  engine.resources = {
    ...engine.resources,
    cpu_cores: { total: 32, reserved: 12, foreign: 2 },
    memory: { total: 256 * GIB, reserved: 96 * GIB, foreign: 18 * GIB },
    slots: { total: 2, reserved: 1, foreign: 0 },
    gpus: someGpus(4, [first ?? null, second ?? null, null, third ?? null]).map((it): GpuResource => (it.index === 3 ? { ...it, exclusive: false, jobs: [...it.jobs, { uid: sweep[7]?.uid ?? "", name: sweep[7]?.name ?? "" }], memory: { ...it.memory, reserved: 32 * GIB } } : it)),
    no_gpus: null,
  };
  engine.settings = { ...engine.settings, slots: 2, windows: [{ name: "nights", days: ["mon", "tue", "wed", "thu", "fri"], from: "22:00", to: "07:00" }, { name: "weekend", days: ["sat", "sun"], from: "00:00", to: "00:00" }] };
  engine.answers["projects.list"] = () => ({
    projects: ["rl-locomotion", "segmentation", "vit-distill"].map((name) => ({ name, folder: `/home/user/src/${name}`, available: true, demo: false, suggestions: [{ label: "train.py", detail: "", name: "train", command: ["python", "train.py"] }] })),
  });
  const machine = aMachine({
    now,
    gpus: [
      { model: "NVIDIA RTX 6000 Ada Generation", busy: 97, memory: 42, jobs: [running[0]?.uid] },
      { model: "NVIDIA RTX 6000 Ada Generation", busy: 94, memory: 34, jobs: [running[1]?.uid] },
      { model: "NVIDIA RTX 6000 Ada Generation", busy: 0, memory: 1.4, others: 1 },
      { model: "NVIDIA RTX 6000 Ada Generation", busy: 38, memory: 19.7, jobs: [running[2]?.uid, sweep[7]?.uid], others: 1 },
    ],
  });
  engine.answers["device.history"] = () => machine;
  const [long] = running;
  if (long !== undefined) {
    engine.details.set(long.uid, { notes: "Temperature 4, the teacher's logits from the store.", attempts: [{ number: 1, status: "running", started_at: long.started_at ?? now, ended_at: null, pid: 48_211, exit_code: null, signal: null, failure: null, folder: "/home/user/.local/share/athanor/attempts/7e00/1", log_bytes: 5_731, log_dropped: 0, cpu_ms: 41 * HOUR, peak_memory: 23 * GIB, gpus: [{ index: 0, uuid: "GPU-0" }], gpu_ms: 11 * HOUR, peak_gpu_memory: 43.1 * GIB, metrics_file: "outputs/metrics.csv", gpu_use: { now: null, utilisation: 91, sampled_ms: 11 * HOUR, energy_wh: 2_890, energy_basis: "whole" } }] });
  }
  const detailed = waiting[1];
  if (detailed !== undefined) {
    engine.details.set(detailed.uid, {
      notes: "Same as rank 128, with half the adapters.",
      environment: [{ name: "HF_TOKEN", value: null }, { name: "PATH", value: "/usr/bin" }, { name: "WANDB_MODE", value: "offline" }],
      config_path: "/home/user/src/vit-distill/configs/base.yaml",
      config_text: "model: llama\noptim:\n  lr: 3e-4\n",
      after: [{ uid: running[0]?.uid ?? "", name: running[0]?.name ?? "", status: "running", when: "success", standing: "open" }],
      before: [{ uid: waiting[2]?.uid ?? "", name: waiting[2]?.name ?? "", status: "queued", when: "any", standing: "open" }],
      key: "rank-64",
      user: "user",
      metadata: { commit: "4f1c2ab" },
      parent: running[1]?.uid ?? null,
    });
  }
  const failed = finished[1];
  if (failed !== undefined) {
    const attempt = { pid: 4242, exit_code: 1, signal: null, failure: failed.failure, folder: "/home/user/.local/share/athanor/attempts/7e1a/1", log_bytes: 18_233, log_dropped: 0, cpu_ms: 61_000, peak_memory: 11 * GIB, gpus: [{ index: 1, uuid: "GPU-1" }], gpu_ms: 41_000, peak_gpu_memory: 47.2 * GIB, metrics_file: "metrics.csv", status: "failed" as const };
    engine.details.set(failed.uid, { attempts: [{ ...attempt, number: 2, started_at: now - 4 * HOUR, ended_at: now - 4 * HOUR + 41_000 }, { ...attempt, number: 1, started_at: now - 5 * HOUR, ended_at: now - 5 * HOUR + 39_000 }] });
  }
  const job = (it: Experiment | undefined, what: NotificationKind, last_line: string | null = null) => (it === undefined ? [] : [{ uid: it.uid, name: it.name, project: it.project, attempt: 1, what, last_line }]);
  const points = sweep.slice(0, 6);
  engine.notifications = [
    aNotification(7, { at: now - 4 * MIN, what: "failed", title: `${failed?.name ?? ""} failed`, body: "After 41 s: Out of GPU memory on GPU 1. It reached 47.2 GiB.\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB", jobs: job(failed, "failed"), actions: ["open", "log", "retry"] }),
    aNotification(6, { at: now - 26 * MIN, what: "stalled", title: "ppo humanoid seed 4 has written nothing for 1 h", body: "Neither its log nor its metrics have grown. It may hang; it goes on until you cancel it.", jobs: job(running[2], "stalled") }),
    aNotification(5, { at: now - 2.2 * HOUR, what: "failed", title: "6 experiments ended", body: "5 completed, 1 failed: unet++ lr=1e-3 seed=5", count: 6, jobs: points.flatMap((it) => job(it, it.status === "failed" ? "failed" : "completed")) }),
    aNotification(4, { at: now - 7 * HOUR, what: "summary", title: "While it was quiet, 14 experiments ended", body: "13 completed, 1 failed, 1 warning of a hot GPU.", jobs: [], read: true }),
    aNotification(3, { at: now - 12 * HOUR, what: "gpu_hot", urgency: "critical", title: "GPU 2 (NVIDIA RTX A6000) is hot: 88 °C", body: "It has been at 87 °C or more for a while. Look after its fans and the air around it; it slows down before it takes harm.", jobs: [], actions: ["open"], read: true, quiet: true }),
    aNotification(2, { at: now - 20 * HOUR, what: "disk_low", urgency: "critical", title: "Disk nearly full: /data", body: "4.20 GiB left at /data/runs. Jobs that write there will fail when it is full: free some space, or clean up old logs in the settings.", jobs: [], actions: ["open"], read: true }),
    aNotification(1, { at: now - 31 * HOUR, title: `${finished[0]?.name ?? ""} completed`, body: "It took 3 h 12 min.", jobs: job(finished[0], "completed"), read: true, hook_error: "https://hooks.example.com/••• answered 503 Service Unavailable" }),
  ].map((it) => ({ ...it, updated_at: it.at }));
  engine.answers["queue.timeline"] = ({ from, to }) => {
    const lanes = [...engine.resources.gpus.map((it) => ({ id: it.uuid, label: `GPU ${it.index}`, present: true })), { id: "cpu", label: "CPU", present: true }];
    const bars: Bar[] = [];
    let at = now - 7 * 24 * HOUR;
    for (let i = 0; at < now; i += 1) {
      const length = ((i * 7) % 11) * 12 * MIN + 10 * MIN;
      for (const [lane, { id }] of lanes.entries()) {
        const start = at + lane * 17 * MIN;
        if ((i + lane) % 5 === 4 || start > now) continue;
        const end = Math.min(start + length, now);
        const status = (i + lane) % 9 === 3 ? "failed" : (i + lane) % 13 === 5 ? "cancelled" : "completed";
        if (end < now) bars.push({ uid: finished[0]?.uid ?? "", name: `run ${i}.${lane}`, group: null, attempt: 1, lanes: [id], from: start, to: end, status });
      }
      at += length + 9 * MIN;
    }
    for (const it of running) {
      const lane = lanes[it.gpus[0] ?? 0];
      if (lane !== undefined) bars.push({ uid: it.uid, name: it.name, group: null, attempt: 1, lanes: [lane.id], from: it.started_at ?? now, to: null, status: it.status });
    }
    return { lanes, bars: bars.filter((it) => it.from < to && (it.to ?? now) > from).sort((a, b) => a.from - b.from), truncated: false };
  };
}
