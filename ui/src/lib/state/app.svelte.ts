// What the whole window shares: the connection to the engine and what the engine says of itself.
//
// Nothing here polls. Everything is read once when the stream of pushes stands, changed by pushes, and read again when
// the stream was broken. What a single view shows is that view's own; it listens through `onPush` and `onRefresh`.

import { createContext } from "svelte";

import type {
  AddedExperiments,
  DeviceSample,
  EngineInfo,
  HostFacts,
  ApiError,
  Experiment,
  ExperimentDetail,
  NewExperiment,
  Notice,
  Project,
  Push,
  QueueStats,
  RunRow,
  Selection,
  Settings,
} from "../bindings";
import { problemOf, type Problem } from "../errors";
import { CallError, type Host } from "../host/host";
import type { Input, Method, Output } from "../host/host";
import { plural } from "../util/format";
import { sayOutcomes } from "./acts";
import { Groups } from "./groups.svelte";
import { Look } from "./look";
import type { MenuItem } from "./menu";
import { Monitors } from "./monitors.svelte";
import { MachineResources } from "./resources.svelte";
import { Notifications } from "./notifications.svelte";
import { Router } from "./router.svelte";
import { Runs } from "../runs/runs.svelte";
import { Toasts } from "./toasts.svelte";

/** As many samples as the engine keeps. */
const SAMPLES = 300;
const FIRST_RETRY_MS = 300;
const LAST_RETRY_MS = 5_000;

export type Connection = "starting" | "live" | "gone";
export type ShownNotice = Notice & { id: number };

/** What the sheet for an experiment begins with: nothing much, or one that is there. */
export type Draft = {
  project?: string;
  command?: string;
  name?: string;
  /** The experiment to change, or to queue a copy of. */
  from?: { mode: "edit" | "copy"; detail: ExperimentDetail };
};

/** A sheet over the views, other than the one for an experiment. */
export type OpenSheet =
  | { kind: "group"; experiments: readonly Experiment[] }
  | { kind: "export"; selection: Selection; count: number | null }
  | { kind: "import" }
  | { kind: "cleanup" }
  | { kind: "statistics" }
  | { kind: "runs"; what: "export"; /** Those alone; else all that match. */ uids: string[] | null }
  | { kind: "runs"; what: "files"; run: RunRow }
  | { kind: "runs"; what: "view" }
  | { kind: "runs"; what: "watch" };

/** A menu at a point of the window. */
export type OpenMenu = { label: string; x: number; y: number; /** Where it ends if there is no room below; `y` if nothing is said. */ above?: number; items: MenuItem[]; back?: HTMLElement | null };

export class App {
  readonly router = new Router();
  readonly toasts = new Toasts();
  readonly groups = new Groups(this);
  readonly resources = new MachineResources(this);
  readonly monitors = new Monitors(this);
  readonly looking = new Look(this);
  readonly notifications = new Notifications(this);
  readonly runs = new Runs(this);

  connection = $state<Connection>("starting");
  /** Why nothing can be shown at all. */
  problem = $state.raw<Problem | null>(null);
  info = $state.raw<EngineInfo | null>(null);
  stats = $state.raw<QueueStats | null>(null);
  settings = $state.raw<Settings | null>(null);
  projects = $state.raw<Project[] | null>(null);
  samples = $state.raw<DeviceSample[]>([]);
  /** What does not change of this machine. */
  facts = $state.raw<HostFacts | null>(null);
  notices = $state.raw<ShownNotice[]>([]);

  /** What is open over the views. */
  palette = $state(false);
  /** Makes a report of what is shown, where that can be. */
  report = $state.raw<(() => void) | null>(null);
  help = $state(false);
  draft = $state.raw<Draft | null>(null);
  sheet = $state.raw<OpenSheet | null>(null);
  menu = $state.raw<OpenMenu | null>(null);
  /** A question that waits for an answer. */
  question = $state.raw<Question | null>(null);
  /** The experiments that actions are about: what is selected in the list at hand. */
  selection = $state.raw<Experiment[]>([]);

  /** Something is open that keys are meant for. */
  readonly covered = $derived(this.palette || this.help || this.draft !== null || this.question !== null || this.sheet !== null || this.menu !== null);
  readonly sample = $derived(this.samples.at(-1) ?? null);
  readonly running = $derived((this.stats?.running ?? 0) + (this.stats?.paused ?? 0));
  readonly waiting = $derived((this.stats?.pending ?? 0) + (this.stats?.queued ?? 0));
  /** Nobody has used this data folder yet. */
  readonly untouched = $derived(
    this.projects !== null &&
      this.projects.length === 0 &&
      this.stats !== null &&
      this.running + this.waiting + this.stats.completed + this.stats.failed + this.stats.cancelled + this.stats.expired === 0,
  );

  #pushed = new Set<(push: Push) => void>();
  #refreshed = new Set<() => void>();
  #dismissed = new Set<string>();
  #noticeId = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryWait = FIRST_RETRY_MS;
  #stop: (() => void)[] = [];

  constructor(readonly host: Host) {}

  async start(): Promise<void> {
    this.#stop.push(
      await this.host.onNavigate((to) => {
        if (to.to === "experiment") this.router.openJob(to.uid, "queue");
        else if (to.to === "log") {
          this.router.openJob(to.uid, "queue");
          this.router.tab = "log";
        } else if (to.to === "notifications") this.notifications.open = true;
        else if (to.to === "new") this.draft = {};
        else this.router.go(to.to);
      }),
    );
    let streaming = false;
    const stop = await this.host.listen(
      (push) => this.#take(push, streaming),
      (connected) => {
        if (!connected) this.#lose();
        else if (streaming) void this.#recover();
      },
    );
    this.#stop.push(stop);
    streaming = true;
    await this.#recover();
  }

  stop(): void {
    clearTimeout(this.#retry);
    for (const stop of this.#stop) stop();
  }

  /** Calls the engine. Every module calls through here, so that a lost engine is noticed once. */
  async call<M extends Method>(method: M, input: Input<M>): Promise<Output<M>> {
    try {
      return await this.host.call(method, input);
    } catch (thrown) {
      const error = CallError.from(thrown);
      if (error.code === "engine_gone") this.#lose();
      throw error;
    }
  }

  /** Calls the engine for something the user asked for; a failure is said in a toast and gives null. */
  async attempt<M extends Method>(method: M, input: Input<M>): Promise<Output<M> | null> {
    try {
      return await this.call(method, input);
    } catch (thrown) {
      this.toasts.problem(problemOf(thrown));
      return null;
    }
  }

  onPush(listener: (push: Push) => void): () => void {
    this.#pushed.add(listener);
    return () => this.#pushed.delete(listener);
  }

  /** What is shown may be old: read it again. */
  onRefresh(listener: () => void): () => void {
    this.#refreshed.add(listener);
    return () => this.#refreshed.delete(listener);
  }

  dismiss(notice: ShownNotice): void {
    this.#dismissed.add(noticeKey(notice));
    this.notices = this.notices.filter((it) => it.id !== notice.id);
  }

  // What the user can do from anywhere.

  async queue(experiments: NewExperiment[], title?: string): Promise<Experiment[] | null> {
    const added = await this.attempt("experiments.add", { experiments });
    if (added === null) return null;
    this.sayQueued(added, title);
    return added.experiments;
  }

  /** Says what was queued, and what was there already under its key. */
  sayQueued({ experiments, existing }: Pick<AddedExperiments, "experiments" | "existing">, title?: string): void {
    const known = new Set(existing);
    const fresh = experiments.filter((it) => !known.has(it.uid));
    const [first] = fresh.length > 0 ? fresh : experiments;
    if (first === undefined) return;
    const what = (of: number) => (of === 1 ? first.name : plural(of, "experiment"));
    const there = known.size === 1 ? "was there already under its key" : "were there already under their keys";
    const words = fresh.length === 0 ? `${what(known.size)} ${there}; nothing was queued` : known.size === 0 ? (title ?? `Queued ${what(fresh.length)}`) : `Queued ${what(fresh.length)}; ${known.size} ${there}`;
    this.toasts.say(words, { label: "Show", run: () => this.router.openJob(first.uid) });
  }

  async queueAgain(uids: string[]): Promise<void> {
    const added = await this.attempt("experiments.again", { uids });
    if (added !== null) this.sayQueued(added);
  }

  /** Opens the sheet with all of an experiment in it, to change it or to queue a copy. */
  async openSheet(mode: "edit" | "copy", uid: string): Promise<void> {
    const detail = await this.attempt("experiments.get", { uid });
    if (detail !== null) this.draft = { from: { mode, detail } };
  }

  errorOf(thrown: unknown): ApiError {
    const { code, message, hint, field } = CallError.from(thrown);
    return { code, message, ...(hint === undefined ? {} : { hint }), ...(field === undefined ? {} : { field }) };
  }

  /** Cancels what has not ended; asks first when that stops something that runs. */
  async cancel(experiments: readonly Experiment[]): Promise<void> {
    const live = experiments.filter((it) => !it.cancelling && it.completed_at === null);
    const [first] = live;
    if (first === undefined) return;
    const running = live.filter((it) => it.status === "running" || it.status === "paused");
    if (running.length > 0) {
      const waiting = live.length - running.length;
      const yes = await this.ask({
        title: live.length === 1 ? `Cancel ${first.name}?` : `Cancel ${plural(live.length, "experiment")}?`,
        text:
          (running.length === 1 && live.length === 1
            ? "It is asked to stop (SIGTERM), and so is everything that it started; what has not ended after its grace period is killed."
            : `${plural(running.length, "running experiment")} and everything they started are asked to stop (SIGTERM); what has not ended after its grace period is killed.` +
              (waiting > 0 ? ` ${plural(waiting, "waiting one")} will not start.` : "")) +
          " Logs, metrics and files stay.",
        yes: live.length === 1 ? "Cancel experiment" : `Cancel ${live.length}`,
        no: "Keep running",
      });
      if (!yes) return;
    }
    const answer = await this.attempt("experiments.cancel", { uids: live.map((it) => it.uid) });
    if (answer === null) return;
    if (answer.outcomes.some((it) => it.error !== null)) sayOutcomes(this, answer.outcomes, "cancelled", live);
    else if (running.length > 0) {
      this.toasts.say(live.length === 1 ? `Stopping ${first.name}` : `Cancelling ${plural(live.length, "experiment")}`);
    } else if (live.length === 1) {
      this.toasts.say(`Cancelled ${first.name}`, { label: "Queue again", run: () => void this.queueAgain([first.uid]) });
    } else {
      this.toasts.say(`Cancelled ${plural(live.length, "experiment")}`);
    }
  }

  async togglePause(): Promise<void> {
    const paused = !(this.stats?.queue_paused ?? false);
    const stats = await this.attempt("queue.pause", { paused });
    if (stats !== null) this.stats = stats;
  }

  async change(settings: Partial<Settings>): Promise<void> {
    // Shown at once, so that a quick second click goes on from the first; taken back if the engine refuses.
    const before = this.settings;
    if (before !== null) this.settings = { ...before, ...settings };
    const now = await this.attempt("settings.change", settings);
    if (now === null) this.settings = before;
  }

  async openPath(path: string): Promise<void> {
    try {
      await this.host.openPath(path);
    } catch (thrown) {
      this.toasts.problem(problemOf(thrown));
    }
  }

  async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.toasts.say(`Copied ${what}`);
    } catch {
      this.toasts.problem({
        code: "forbidden",
        title: "Nothing was copied",
        message: "The clipboard cannot be reached.",
        next: "Select the text and copy it with Ctrl+C.",
        field: undefined,
      });
    }
  }

  ask(question: Omit<Question, "answer">): Promise<boolean> {
    return new Promise((resolve) => {
      this.question = {
        ...question,
        answer: (yes) => {
          this.question = null;
          resolve(yes);
        },
      };
    });
  }

  #take(push: Push, streaming: boolean): void {
    switch (push.kind) {
      case "hello":
        // The first one only says that the stream stands; what is shown is read after it.
        if (streaming && this.connection === "live") void this.#recover();
        return;
      case "resync":
        void this.#recover();
        return;
      case "engine_stopped":
        this.#lose();
        return;
      case "queue_update":
        this.stats = push.stats;
        break;
      case "settings_update":
        this.settings = push.settings;
        this.stats = push.stats;
        break;
      case "projects_update":
        this.projects = push.projects;
        break;
      case "device_update":
        this.samples = [...this.samples.slice(1 - SAMPLES).map(past), push.sample];
        break;
      case "notice":
        this.#notice(push.notice);
        break;
      case "run_update":
      case "log_append":
      case "monitor_update":
        break;
    }
    for (const listener of this.#pushed) listener(push);
  }

  #recovering: Promise<void> | null = null;
  #again = false;

  /** Reads everything anew. Asked for while it is under way, it is done once more afterwards. */
  #recover(): Promise<void> {
    if (this.#recovering !== null) {
      this.#again = true;
      return this.#recovering;
    }
    this.#recovering = (async () => {
      do {
        this.#again = false;
        await this.#read();
      } while (this.#again);
    })().finally(() => (this.#recovering = null));
    return this.#recovering;
  }

  async #read(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      const [info, stats, settings, projects, history] = await Promise.all([
        this.host.call("engine.info", {}),
        this.host.call("queue.stats", {}),
        this.host.call("settings.get", {}),
        this.host.call("projects.list", {}),
        this.host.call("device.history", {}),
      ]);
      this.info = info;
      this.stats = stats;
      this.settings = settings;
      this.projects = projects.projects;
      this.samples = history.samples;
      this.facts = history.facts;
      for (const notice of info.notices) this.#notice(notice);
      this.problem = null;
      this.connection = "live";
      this.#retryWait = FIRST_RETRY_MS;
      for (const listener of this.#refreshed) listener();
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (this.info === null || problem.code !== "engine_gone") this.problem = problem;
      this.#lose();
    }
  }

  /** The engine is gone: says so, and tries again at growing distances until it answers. */
  #lose(): void {
    if (this.connection === "live") this.connection = "gone";
    else if (this.connection === "starting" && this.problem !== null) this.connection = "gone";
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#recover(), this.#retryWait);
    this.#retryWait = Math.min(this.#retryWait * 2, LAST_RETRY_MS);
  }

  #notice(notice: Notice): void {
    const key = noticeKey(notice);
    if (this.#dismissed.has(key) || this.notices.some((it) => noticeKey(it) === key)) return;
    this.#noticeId += 1;
    this.notices = [...this.notices, { ...notice, id: this.#noticeId }];
  }
}

/** A sample that is no longer the newest: what ran then is not kept. */
function past(sample: DeviceSample): DeviceSample {
  if (sample.gpus.list.every((it) => it.processes === null)) return sample;
  return { ...sample, gpus: { ...sample.gpus, list: sample.gpus.list.map((it) => ({ ...it, processes: null })) } };
}

export type Question = { title: string; text: string; yes: string; no: string; answer: (yes: boolean) => void };

const noticeKey = (notice: Notice): string => `${notice.level}\n${notice.title}\n${notice.message}`;

export const [getApp, setApp] = createContext<App>();
