// What the user was told of. The engine decides and keeps it; here it is read once and then told by pushes.

import type { Hook, HookInfo, Notification } from "../bindings";
import { problemOf, type Problem } from "../errors";
import type { App } from "./app.svelte";

const PAGE = 30;

export class Notifications {
  /** Newest first, as far as they were read. */
  list = $state.raw<Notification[]>([]);
  unread = $state(0);
  /** There are older ones. */
  more = $state(false);
  loaded = $state(false);
  loadingOlder = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** The panel is open. */
  open = $state(false);

  /** Counts pushes: what was asked for before one is older than what it says. */
  #told = 0;

  constructor(private readonly app: App) {}

  /** To be called in an effect: follows the engine as long as the effect lives. */
  follow(): () => void {
    const stop = [
      this.app.onPush((push) => {
        if (push.kind === "notification") {
          this.#told += 1;
          this.unread = push.unread;
          const others = this.list.filter((it) => it.id !== push.notification.id);
          this.list = [...others, push.notification].sort((a, b) => b.id - a.id);
        } else if (push.kind === "notifications_read") {
          this.#told += 1;
          this.unread = push.unread;
          const all = push.ids.length === 0;
          this.list = this.list.map((it) => (!it.read && (all || push.ids.includes(it.id)) ? { ...it, read: true } : it));
        }
      }),
      this.app.onRefresh(() => void this.read()),
    ];
    if (this.app.connection === "live") void this.read();
    return () => {
      for (const it of stop) it();
    };
  }

  /** Reads the newest anew. */
  async read(): Promise<void> {
    const told = this.#told;
    try {
      const page = await this.app.call("notifications.list", { limit: PAGE });
      // Something was told of meanwhile: what was read may be older than that.
      if (told !== this.#told) return void (await this.read());
      this.list = page.notifications;
      this.unread = page.unread;
      this.more = page.more;
      this.loaded = true;
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  async older(): Promise<void> {
    const last = this.list.at(-1);
    if (last === undefined || this.loadingOlder || !this.more) return;
    this.loadingOlder = true;
    const page = await this.app.attempt("notifications.list", { before: last.id, limit: PAGE });
    this.loadingOlder = false;
    if (page === null) return;
    const known = new Set(this.list.map((it) => it.id));
    this.list = [...this.list, ...page.notifications.filter((it) => !known.has(it.id))];
    this.more = page.more;
  }

  async mark(notification: Notification): Promise<void> {
    if (!notification.read) await this.app.attempt("notifications.mark", { ids: [notification.id] });
  }

  async markAll(): Promise<void> {
    const newest = this.list[0];
    if (newest !== undefined) await this.app.attempt("notifications.mark", { up_to: newest.id });
  }

  /** Goes to what a notification tells of. */
  openWhat(notification: Notification, uid?: string): void {
    void this.mark(notification);
    this.open = false;
    const job = uid ?? (notification.count === 1 ? notification.jobs[0]?.uid : undefined);
    if (job !== undefined) return this.app.router.openJob(job, "queue");
    if (notification.what === "gpu_hot" || notification.what === "gpu_lost" || notification.what === "disk_low") return this.app.router.go("devices");
    if (notification.what === "hook_failed" || notification.what === "test") return this.app.router.go("settings");
    this.app.router.go("queue");
  }
}

/** The hook, as the settings show and change it. */
export class HookSettings {
  info = $state.raw<HookInfo | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** What the last test came to, in words. */
  tested = $state.raw<{ good: boolean; words: string } | null>(null);
  testing = $state(false);

  constructor(private readonly app: App) {}

  async read(): Promise<void> {
    try {
      this.info = await this.app.call("hook.get", {});
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** Whether it could be set. */
  async set(hook: Hook | null): Promise<boolean> {
    this.tested = null;
    try {
      this.info = await this.app.call("hook.set", { hook });
      this.problem = null;
      return true;
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return false;
    }
  }

  async test(): Promise<void> {
    this.testing = true;
    const test = await this.app.attempt("notifications.test", {});
    this.testing = false;
    if (test === null) return;
    if (test.hook === null) this.tested = { good: true, words: "A notification was sent." };
    else if (test.hook.error === null) this.tested = { good: true, words: `A notification was sent, and the hook was run in ${(test.hook.took_ms / 1_000).toFixed(1)} s.` };
    else this.tested = { good: false, words: `A notification was sent, but the hook failed: ${test.hook.error}` };
    await this.read();
  }
}
