// Things as the engine would tell of them, for tests: what matters to a test is said there, the rest stands here.

import type { Experiment, ExperimentDetail, Group, GroupCounts, Notification, NotifiedJob, QueueStats, Requirements, Resources, Settings, Status } from "../../src/lib/bindings";

export const GIB = 1024 ** 3;

export function anExperiment(uid: string, status: Status = "queued", more: Partial<Experiment> = {}): Experiment {
  const started = status === "running" || status === "paused" || status === "completed" || status === "failed";
  const ended = status === "completed" || status === "failed" || status === "cancelled" || status === "expired";
  return {
    uid,
    name: uid,
    project: null,
    command: ["true"],
    command_line: "true",
    cwd: "/home/user/src",
    priority: "normal",
    status,
    cancelling: false,
    failure: null,
    wait_reason: null,
    attempt: started ? 1 : 0,
    created_at: 1_000 + (Number(uid.replace(/\D/g, "")) || 0),
    started_at: started ? 2_000 : null,
    completed_at: ended ? 3_000 : null,
    progress: null,
    metrics: [],
    tags: [],
    group: null,
    requirements: {},
    gpus: [],
    held: false,
    not_before: null,
    window: null,
    start_by: null,
    waits_for: 0,
    retries_used: 0,
    retry_limit: 3,
    retry_at: null,
    estimated_start: null,
    estimated_end: null,
    time_limit_ms: null,
    archived: false,
    ...more,
  };
}

export function aDetail(experiment: Experiment, more: Partial<ExperimentDetail> = {}): ExperimentDetail {
  return {
    experiment,
    notes: "",
    environment: [],
    config_path: null,
    config_text: null,
    attempts: [],
    after: [],
    before: [],
    wait_for_failed: false,
    retry: { limit: 3 },
    grace_ms: 10_000,
    key: null,
    user: null,
    metadata: {},
    parent: null,
    ...more,
  };
}

export const NO_COUNTS: GroupCounts = { pending: 0, queued: 0, running: 0, paused: 0, completed: 0, failed: 0, cancelled: 0, expired: 0 };

export function aGroup(name: string, counts: Partial<GroupCounts> = {}, more: Partial<Group> = {}): Group {
  return { name, parallel: null, sweep: null, created_at: 1_000, counts: { ...NO_COUNTS, ...counts }, ...more };
}

export function someStats(more: Partial<QueueStats> = {}): QueueStats {
  return { ...NO_COUNTS, slots: 1, queue_paused: false, ...more };
}

export const SETTINGS: Settings = {
  slots: 1,
  close_action: "tray",
  appearance: "system",
  notify: true,
  log_limit: 64 * 1024 * 1024,
  max_running: null,
  per_gpu: null,
  per_project: null,
  ignore_idle_processes: true,
  windows: [],
  keep_days: 30,
  idle_gpu_percent: 5,
  idle_gpu_minutes: 15,
  idle_gpu_cancel: false,
  autostart: false,
  notifications: { off: [], muted_projects: [], quiet: [], gpu_hot: 87, disk_low: 5 * GIB, stall_ms: 3_600_000 },
};

export function aNotification(id: number, more: Partial<Notification> = {}): Notification {
  const jobs: NotifiedJob[] = [{ uid: `20261121_${id.toString(16).padStart(4, "0")}`, name: `job ${id}`, project: null, attempt: 1, what: "completed", last_line: null }];
  return { id, at: 1_000, updated_at: 1_000, what: "completed", urgency: "normal", title: `job ${id} completed`, body: "It took 31 s.", count: 1, jobs, actions: ["open", "log"], quiet: false, read: false, hook_error: null, ...more };
}

export const RESOURCES: Resources = {
  known: true,
  cpu_cores: { total: 16, reserved: 0, foreign: 0 },
  memory: { total: 128 * GIB, reserved: 0, foreign: 12 * GIB },
  disk_free: 900 * GIB,
  slots: { total: 1, reserved: 0, foreign: 0 },
  gpus: [],
  no_gpus: "There is no NVIDIA driver on this machine.",
};

export const needs = (more: Requirements): Requirements => more;
