// An engine of the tests' own: the page's host, with a queue in memory that behaves as the real one as far as the page
// can see. It pushes what it changes. Nothing of it is in the program.

import type { ApiError, Commands, Event, EventKind, Experiment, ExperimentDetail, Group, HookInfo, Monitor, NewExperiment, Notification, Outcome, Push, QueueStats, SweepRequest } from "../../src/lib/bindings";
import { CallError, type Host } from "../../src/lib/host/host";
import { isEnded, sectionOf } from "../../src/lib/util/status";
import { aDetail, anExperiment, aNotification, GIB, NO_COUNTS, RESOURCES, SETTINGS } from "./make";

type In<M extends keyof Commands> = Commands[M]["input"];
type Out<M extends keyof Commands> = Commands[M]["output"];

const RANK = { urgent: 0, high: 1, normal: 2, low: 3 } as const;

export class FakeEngine implements Host {
  readonly desktop: boolean = false;
  experiments: Experiment[] = [];
  details = new Map<string, Partial<ExperimentDetail>>();
  groups: Group[] = [];
  settings = { ...SETTINGS };
  resources = structuredClone(RESOURCES);
  paused = false;
  events: Event[] = [];
  monitors: Monitor[] = [];
  notifications: Notification[] = [];
  hook: HookInfo = { hook: null, failure: null };
  asked: { method: string; input: unknown }[] = [];
  /** Answers of a test's own, before the engine's. */
  answers: { [M in keyof Commands]?: (input: In<M>) => Out<M> | Promise<Out<M>> } = {};
  now = () => Date.now();

  #push: (push: Push) => void = () => {};
  #cursor = 0;
  #serial = 0;

  // The host.

  async call<M extends keyof Commands>(method: M, input: In<M>): Promise<Out<M>> {
    this.asked.push({ method, input });
    await Promise.resolve();
    const own = this.answers[method] as ((input: In<M>) => Out<M> | Promise<Out<M>>) | undefined;
    if (own !== undefined) return own(input);
    const answer = (this.#commands as unknown as Record<string, (input: In<M>) => Out<M>>)[method];
    if (answer === undefined) throw new CallError({ code: "protocol", message: `The engine does not know ${method}.` });
    return answer(input);
  }
  listen(push: (push: Push) => void, connection: (connected: boolean) => void): Promise<() => void> {
    this.#push = push;
    connection(true);
    return Promise.resolve(() => {});
  }
  pickFolder = () => Promise.resolve(null);
  saveText = () => Promise.resolve(null);
  saveLog = () => Promise.resolve(null);
  openPath = () => Promise.resolve();
  onNavigate = () => Promise.resolve(() => {});
  /** Lets go of folders over the window. */
  drop: (paths: string[]) => void = () => {};
  /** Moves folders over the window, or away from it. */
  over: (paths: string[]) => void = () => {};
  onFolders(drop: (paths: string[]) => void, over: (paths: string[]) => void) {
    [this.drop, this.over] = [drop, over];
    return () => ([this.drop, this.over] = [() => {}, () => {}]);
  }
  lookingAt() {}
  ready() {}

  push(push: Push): void {
    this.#push(push);
  }

  count(method: keyof Commands): number {
    return this.asked.filter((it) => it.method === method).length;
  }

  last<M extends keyof Commands>(method: M): In<M> | undefined {
    return this.asked.findLast((it) => it.method === method)?.input as In<M> | undefined;
  }

  get unread(): number {
    return this.notifications.filter((it) => !it.read).length;
  }

  /** Tells of something, or of more in what there was. */
  notify(notification: Notification): void {
    this.notifications = [...this.notifications.filter((it) => it.id !== notification.id), notification];
    this.push({ kind: "notification", notification, unread: this.unread, alert: true });
  }

  // The queue.

  get stats(): QueueStats {
    const stats: QueueStats = { ...NO_COUNTS, slots: this.settings.slots, queue_paused: this.paused };
    for (const it of this.experiments) if (!it.archived) stats[it.status] += 1;
    return stats;
  }

  add(...experiments: Experiment[]): void {
    for (const it of experiments) this.experiments.push(it);
    for (const it of experiments) if (it.group !== null && !this.groups.some((group) => group.name === it.group)) this.groups.unshift({ name: it.group, parallel: null, sweep: null, created_at: it.created_at, counts: NO_COUNTS });
  }

  get(uid: string): Experiment {
    const found = this.experiments.find((it) => it.uid === uid);
    if (found === undefined) throw new CallError({ code: "not_found", message: `There is no experiment ${uid}.` });
    return found;
  }

  /** Changes an experiment and tells of it. */
  change(uid: string, what: EventKind, change: Partial<Experiment>): Experiment {
    const at = this.experiments.findIndex((it) => it.uid === uid);
    const next = { ...this.get(uid), ...change };
    this.experiments[at] = next;
    this.tell(what, next);
    return next;
  }

  tell(what: EventKind, experiment: Experiment | null, uid = experiment?.uid ?? null): void {
    const event = this.record(what, uid, `${experiment?.name ?? uid ?? "It"}: ${what.replaceAll("_", " ")}`);
    this.#push({ kind: "queue_update", event, experiment, stats: this.stats });
  }

  /** Writes an event down and tells nobody. */
  record(what: EventKind, uid: string | null, message: string, at = this.now()): Event {
    this.#cursor += 1;
    const event: Event = { cursor: this.#cursor, at, what, uid, attempt: null, message };
    this.events.push(event);
    return event;
  }

  /** So many events that nobody was told of. */
  happened(many: number): void {
    for (let i = 0; i < many; i += 1) this.record("added", null, `Event ${this.#cursor + 1}`);
  }

  /** What a clean-up does. */
  forget(which: (cursor: number) => boolean): void {
    this.events = this.events.filter((it) => !which(it.cursor));
  }

  section(section: "active" | "waiting" | "finished" | "all"): Experiment[] {
    const found = section === "all" ? [...this.experiments].reverse() : this.experiments.filter((it) => sectionOf(it.status) === section);
    if (section === "waiting") found.sort((a, b) => RANK[a.priority] - RANK[b.priority]);
    if (section === "active") found.sort((a, b) => (a.started_at ?? 0) - (b.started_at ?? 0));
    if (section === "finished") found.sort((a, b) => (b.completed_at ?? 0) - (a.completed_at ?? 0));
    return found;
  }

  #counted(): Group[] {
    return this.groups
      .map((group) => {
        const counts = { ...NO_COUNTS };
        for (const it of this.experiments) if (it.group === group.name && !it.archived) counts[it.status] += 1;
        return { ...group, counts };
      })
      .filter((it) => Object.values(it.counts).some((number) => number > 0));
  }

  #each(selection: { uids?: string[]; group?: string }, able: (it: Experiment) => boolean, what: EventKind, change: (it: Experiment) => Partial<Experiment>): { outcomes: Outcome[] } {
    const members = selection.group === undefined ? [] : this.experiments.filter((it) => it.group === selection.group && able(it)).map((it) => it.uid);
    const outcomes = [...(selection.uids ?? []), ...members].map((uid): Outcome => {
      try {
        const it = this.get(uid);
        if (!able(it)) {
          const error: ApiError = { code: "illegal_transition", message: `It is ${it.status}, and nothing can be ${what} from there.` };
          return { uid, experiment: null, error };
        }
        return { uid, experiment: this.change(uid, what, change(it)), error: null };
      } catch (thrown) {
        const { code, message } = CallError.from(thrown);
        return { uid, experiment: null, error: { code, message } };
      }
    });
    return { outcomes };
  }

  #queue(wanted: NewExperiment, more: Partial<Experiment> = {}): Experiment {
    this.#serial += 1;
    const command_line = typeof wanted.command === "string" ? wanted.command : wanted.command.join(" ");
    const held = wanted.hold === true;
    const it = anExperiment(`20261121_${(0xa000 + this.#serial).toString(16)}`, held || (wanted.after ?? []).length > 0 ? "pending" : "queued", {
      name: wanted.name ?? command_line.split(" ")[0] ?? "job",
      command: wanted.command,
      command_line,
      cwd: wanted.cwd,
      project: wanted.project ?? null,
      priority: wanted.priority ?? "normal",
      tags: wanted.tags ?? [],
      group: wanted.group ?? null,
      requirements: wanted.requirements ?? {},
      held,
      not_before: wanted.not_before ?? null,
      window: wanted.window ?? null,
      start_by: wanted.start_by ?? null,
      waits_for: wanted.after?.length ?? 0,
      time_limit_ms: wanted.time_limit_ms ?? null,
      created_at: this.now(),
      wait_reason: held ? "Held by you" : "Waits for a slot",
      ...more,
    });
    this.add(it);
    this.details.set(it.uid, { notes: wanted.notes ?? "", config_path: wanted.config_path ?? null, config_text: wanted.config_text ?? null, key: wanted.key ?? null });
    this.tell("added", it);
    return it;
  }

  #points(request: SweepRequest): { key: string; value: string }[][] {
    let points: { key: string; value: string }[][] = [[]];
    for (const { key, values } of request.sweep.axes) points = points.flatMap((point) => values.map((value) => [...point, { key, value }]));
    return request.sweep.mode?.kind === "random" ? points.slice(0, request.sweep.mode.count) : points;
  }

  readonly #commands: { [M in keyof Commands]?: (input: In<M>) => Out<M> } = {
    "engine.info": () => ({ version: "0.2.0", host: "workstation", owner: "window", pid: 4711, started_at: this.now() - 3_600_000, home: "/home/user/.local/share/athanor", database: "/home/user/.local/share/athanor/athanor.db", attempts: "/home/user/.local/share/athanor/attempts", socket: "/run/user/1000/athanor.sock", log: "/home/user/.local/share/athanor/athanor.log", backups: "/home/user/.local/share/athanor/backups", notices: [] }),
    "queue.stats": () => this.stats,
    "queue.resources": () => this.resources,
    "queue.report": () => {
      const longest = this.section("active")[0];
      const oldest = this.section("waiting").toSorted((a, b) => a.created_at - b.created_at)[0];
      return {
        stats: this.stats,
        resources: this.resources,
        mean_wait_ms: oldest === undefined ? null : 1_260_000,
        mean_run_ms: longest === undefined ? null : 9_720_000,
        longest: longest === undefined ? null : { uid: longest.uid, name: longest.name, since: longest.started_at ?? 0 },
        oldest: oldest === undefined ? null : { uid: oldest.uid, name: oldest.name, since: oldest.created_at },
      };
    },
    "monitors.list": () => ({ monitors: this.monitors }),
    "events.read": ({ since = 0, before, limit, uid, text = "" }) => {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      const has = (it: Event) => words.every((word) => `${it.message} ${it.what.replaceAll("_", " ")} ${it.uid ?? ""}`.toLowerCase().includes(word));
      const there = this.events.filter((it) => it.cursor > since && it.cursor < (before ?? Infinity) && (uid === undefined || it.uid === uid));
      if (before !== undefined) there.reverse();
      const most = Math.min(limit, 1_000);
      const events: Event[] = [];
      let looked = 0;
      // As the engine does: looking for words ends after some way, found or not.
      for (; looked < there.length && looked < 2_000 && events.length < most; looked += 1) {
        const it = there[looked];
        if (it !== undefined && has(it)) events.push(it);
      }
      return { events, reached: there[looked - 1]?.cursor ?? before ?? since, more: looked < there.length, latest: this.#cursor };
    },
    "queue.pause": ({ paused }) => {
      this.paused = paused;
      this.tell(paused ? "queue_paused" : "queue_resumed", null);
      return this.stats;
    },
    "settings.get": () => this.settings,
    "settings.change": (change) => {
      this.settings = { ...this.settings, ...change, notifications: { ...this.settings.notifications, ...change.notifications } };
      this.push({ kind: "settings_update", settings: this.settings, stats: this.stats });
      return this.settings;
    },
    "notifications.list": ({ before, unread = false, limit = 50 }) => {
      const all = this.notifications.filter((it) => it.id < (before ?? Infinity) && !(unread && it.read)).sort((a, b) => b.id - a.id);
      return { notifications: all.slice(0, limit), unread: this.unread, more: all.length > limit };
    },
    "notifications.mark": ({ ids, up_to }) => {
      this.notifications = this.notifications.map((it) => (ids === undefined ? it.id <= (up_to ?? Infinity) : ids.includes(it.id)) ? { ...it, read: true } : it);
      this.push({ kind: "notifications_read", ids: ids ?? [], unread: this.unread });
      return { unread: this.unread };
    },
    "notifications.test": () => {
      this.notify(aNotification(this.notifications.length + 1, { what: "test", title: "This is how Athanor tells you", body: "A test, because you asked for one.", jobs: [], updated_at: this.now(), at: this.now() }));
      return { hook: this.hook.hook === null ? null : { error: this.hook.failure?.message ?? null, took_ms: 120 } };
    },
    "hook.get": () => this.hook,
    "hook.set": ({ hook }) => (this.hook = { hook, failure: null }),
    "projects.list": () => ({ projects: [] }),
    "device.history": () => ({ facts: null, samples: [] }),
    "device.look": () => ({}),
    "groups.list": () => ({ groups: this.#counted() }),
    "groups.set": ({ name, parallel }) => {
      this.groups = this.groups.map((it) => (it.name === name ? { ...it, parallel } : it));
      this.tell("group_changed", null);
      return { groups: this.#counted() };
    },
    "experiments.list": (query) => {
      const words = (query.text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const all = this.section(query.section).filter(
        (it) =>
          (query.project === undefined || it.project === query.project) &&
          (query.group === undefined || it.group === query.group) &&
          (query.ungrouped !== true || it.group === null) &&
          it.archived === (query.archived ?? false) &&
          words.every((word) => `${it.name} ${it.uid} ${it.project ?? ""} ${it.command_line} ${it.tags.join(" ")}`.toLowerCase().includes(word)),
      );
      const offset = query.offset ?? 0;
      return { experiments: all.slice(offset, offset + query.limit), total: all.length };
    },
    "experiments.get": ({ uid }) => aDetail(this.get(uid), this.details.get(uid)),
    "experiments.add": ({ experiments }) => ({ experiments: experiments.map((it) => this.#queue(it)), existing: [], engine_running: true }),
    "experiments.again": ({ uids }) => ({ experiments: uids.map((uid) => this.get(uid)).map((it) => this.#queue({ command: it.command, cwd: it.cwd, name: it.name })), existing: [], engine_running: true }),
    "experiments.cancel": (of) => this.#each(of, (it) => !isEnded(it.status), "cancelled", () => ({ status: "cancelled", completed_at: this.now(), cancelling: false })),
    "experiments.pause": (of) => this.#each(of, (it) => !isEnded(it.status) && !it.held && it.status !== "paused", "paused", (it) => (it.status === "running" ? { status: "paused" } : { held: true, status: "pending", wait_reason: "Held by you" })),
    "experiments.hold": (of) => this.#each(of, (it) => sectionOf(it.status) === "waiting", "held", () => ({ held: true, status: "pending" })),
    "experiments.resume": (of) => this.#each(of, (it) => it.held || it.status === "paused", "resumed", (it) => (it.status === "paused" ? { status: "running" } : { held: false, status: "queued", wait_reason: "Waits for a slot" })),
    "experiments.retry": (of) => this.#each(of, (it) => isEnded(it.status) && it.status !== "completed", "requeued", () => ({ status: "queued", completed_at: null, started_at: null, failure: null })),
    "experiments.archive": ({ uids, archived }) => this.#each({ uids }, (it) => isEnded(it.status), archived ? "archived" : "restored", () => ({ archived })),
    "experiments.delete": ({ uids }) => ({
      outcomes: uids.map((uid): Outcome => {
        this.experiments = this.experiments.filter((it) => it.uid !== uid);
        this.tell("deleted", null, uid);
        return { uid, experiment: null, error: null };
      }),
    }),
    "experiments.move": ({ uids, destination }) => {
      const moved = new Set(uids);
      const order = this.section("waiting");
      const taken = order.filter((it) => moved.has(it.uid));
      const rest = order.filter((it) => !moved.has(it.uid));
      let at = destination.to === "top" ? 0 : rest.length;
      if (destination.to === "before" || destination.to === "after") at = rest.findIndex((it) => it.uid === destination.other) + (destination.to === "after" ? 1 : 0);
      rest.splice(at, 0, ...taken);
      this.experiments = [...this.experiments.filter((it) => sectionOf(it.status) !== "waiting"), ...rest];
      for (const it of taken) this.tell("moved", it);
      return { outcomes: taken.map((it) => ({ uid: it.uid, experiment: it, error: null })) };
    },
    "experiments.edit": ({ uid, ...change }) => {
      const known = this.get(uid);
      const plain = Object.fromEntries(Object.entries(change).filter(([key]) => key in known)) as Partial<Experiment>;
      if (change.command !== undefined) plain.command_line = typeof change.command === "string" ? change.command : change.command.join(" ");
      if (change.group !== undefined && change.group !== null && !this.groups.some((it) => it.name === change.group)) {
        this.groups.unshift({ name: change.group, parallel: null, sweep: null, created_at: this.now(), counts: NO_COUNTS });
      }
      const detail = Object.fromEntries(Object.entries(change).filter(([key]) => !(key in known))) as Partial<ExperimentDetail>;
      this.details.set(uid, { ...this.details.get(uid), ...detail });
      return aDetail(this.change(uid, "edited", plain), this.details.get(uid));
    },
    "experiments.edit_many": ({ selection, changes }) => {
      const { group, priority, tags, add_tags = [], remove_tags = [], hold } = changes;
      if (group !== undefined && group !== null && !this.groups.some((it) => it.name === group)) {
        this.groups.unshift({ name: group, parallel: null, sweep: null, created_at: this.now(), counts: NO_COUNTS });
      }
      return this.#each(selection, (it) => sectionOf(it.status) === "waiting", "edited", (it) => ({
        ...(group === undefined ? {} : { group }),
        ...(priority === undefined ? {} : { priority }),
        ...(hold === undefined ? {} : { held: hold }),
        tags: [...(tags ?? it.tags).filter((tag) => !remove_tags.includes(tag)), ...add_tags],
      }));
    },
    "experiments.export": ({ selection }) => {
      const of = this.experiments.filter((it) => selection?.uids?.includes(it.uid) ?? (selection?.group === undefined ? sectionOf(it.status) === "waiting" : it.group === selection.group));
      return { text: of.map((it) => JSON.stringify({ name: it.name, command: it.command, cwd: it.cwd })).join("\n") + "\n", count: of.length };
    },
    "experiments.import": ({ text, cwd, dry_run }) => {
      const jobs = text.split("\n").filter((it) => it.trim() !== "").map((it, i) => {
        try {
          return JSON.parse(it) as NewExperiment;
        } catch {
          throw new CallError({ code: "invalid_input", message: `Line ${i + 1} is not JSON.`, field: "text" });
        }
      });
      const known = (key: string | undefined) => (key === undefined ? undefined : this.experiments.find((it) => this.details.get(it.uid)?.key === key));
      const existing = jobs.flatMap((it) => known(it.key)?.uid ?? []);
      const experiments = dry_run === true ? [] : jobs.map((it) => known(it.key) ?? this.#queue({ ...it, cwd: it.cwd ?? cwd }));
      return { experiments, existing, count: jobs.length, preview: jobs.filter((it) => dry_run !== true || known(it.key) === undefined).slice(0, 50).map((it) => ({ name: it.name ?? "job", command_line: typeof it.command === "string" ? it.command : it.command.join(" "), values: [] })), engine_running: true };
    },
    "sweeps.preview": (request) => {
      const points = this.#points(request);
      const line = typeof request.experiment.command === "string" ? request.experiment.command : request.experiment.command.join(" ");
      return {
        count: points.length,
        points: points.slice(0, 50).map((values) => ({ name: `${request.experiment.name ?? "run"} ${values.map((it) => `${it.key}=${it.value}`).join(" ")}`, command_line: `${line} ${values.map((it) => `--${it.key} ${it.value}`).join(" ")}`, values })),
        asks: points.length > 1_000,
      };
    },
    "sweeps.add": (request) => {
      const name = request.group ?? request.experiment.name ?? "sweep";
      const points = this.#points(request);
      if (points.length > 1_000 && request.agreed !== points.length) throw new CallError({ code: "needs_agreement", message: `This makes ${points.length} experiments.`, field: "agreed" });
      this.groups.unshift({ name, parallel: request.parallel ?? null, sweep: request.sweep, created_at: this.now(), counts: NO_COUNTS });
      const experiments = points.map((values) => this.#queue({ ...request.experiment, group: name, name: `${request.experiment.name ?? "run"} ${values.map((it) => `${it.key}=${it.value}`).join(" ")}` }));
      return { experiments, existing: [], engine_running: true };
    },
    "requirements.check": ({ requirements }) => {
      const gpus = this.resources.gpus;
      const wanted = requirements.gpus ?? 0;
      if (wanted > gpus.length) return { possible: false, fits_now: false, words: `Asks for ${wanted} GPUs, and this machine has ${gpus.length}.`, field: "gpus" };
      const free = gpus.filter((it) => it.unavailable === null && it.jobs.length === 0 && it.memory.total - it.memory.reserved - it.memory.foreign >= (requirements.gpu_memory ?? 0));
      if (free.length < wanted) return { possible: true, fits_now: false, words: `Waits for ${wanted} GPUs: ${free.length} of ${gpus.length} would do now.`, field: null };
      return { possible: true, fits_now: true, words: wanted === 0 ? "Fits now." : `Fits now on GPU ${free.slice(0, wanted).map((it) => it.index).join(", ")}.`, field: null };
    },
    "config.list": () => ({ paths: ["configs/base.yaml", "configs/vit.yaml", "conf/config.yaml"] }),
    "config.read": ({ path }) => ({ path: `/home/user/src/${path}`, text: "# what is common\nmodel: vit_s16\noptim:\n  name: adamw\n  lr: 3e-4\n  betas: [0.9, 0.999]\nseed: 1\nepochs: 100\naugment:\n  - crop\n  - flip\n" }),
    "config.check": ({ text }) => {
      const bad = text.split("\n").findIndex((it) => /^[^\s#-][^:]*$/.test(it));
      if (bad >= 0) return { keys: [], problem: { line: bad + 1, column: 1, message: "A key is not followed by a colon." } };
      const keys = [...text.matchAll(/^( *)([\w.]+):\s*(\S.*)?$/gm)].map((it) => ({ key: it[2] ?? "", kind: it[3] === undefined ? "map" : "number", value: it[3] ?? null, items: null }));
      return { keys, problem: null };
    },
    "folders.check": ({ path }) => ({ path: path.replace("~", "/home/user"), problem: path.includes("nowhere") ? "This folder does not exist." : null, suggestions: [] }),
    "cleanup.preview": () => ({ before: this.now() - 30 * 86_400_000, events: 12_410, logs: 0, bytes: 0, largest: [] }),
    "cleanup.run": () => ({ before: this.now() - 30 * 86_400_000, events: 12_410, logs: 0, bytes: 0, largest: [] }),
    "queue.timeline": () => ({ lanes: [], bars: [], truncated: false }),
    "gpus.block": ({ gpu, blocked }) => {
      this.resources = { ...this.resources, gpus: this.resources.gpus.map((it) => (it.uuid === gpu ? { ...it, blocked, unavailable: blocked ? "Taken out of the queue by you" : null } : it)) };
      return this.resources;
    },
    "log.tail": () => ({ attempt: 1, text: "epoch 1 loss 0.61\nepoch 2 loss 0.42\n", start: 0, next: 36, oldest: 0, end: 36, ended: false }),
    "log.search": () => ({ attempt: 1, matches: [], count: 0, open: false, next: 36, done: true, scanned: 36, cut: 0, oldest: 0, end: 36, ended: false }),
    "metrics.list": () => ({ series: [], source: null, problems: [] }),
  };
}

/** GPUs as `queue.resources` tells of them. */
export function someGpus(count: number, used: readonly (string | Experiment | null)[] = []): FakeEngine["resources"]["gpus"] {
  return Array.from({ length: count }, (_, index) => {
    const job = used[index] ?? null;
    return {
      index,
      uuid: `GPU-${index}a1b2c3d-0000-4000-8000-00000000000${index}`,
      name: "NVIDIA RTX 6000 Ada Generation",
      memory: { total: 48 * GIB, reserved: job === null ? 0 : 40 * GIB, foreign: job === null ? GIB : 0 },
      jobs: job === null ? [] : [typeof job === "string" ? { uid: job, name: job } : { uid: job.uid, name: job.name }],
      exclusive: job !== null,
      foreign_processes: 0,
      unavailable: null,
      blocked: false,
      tripped_at: null,
    };
  });
}

