// The groups and how their members stand, kept current while somebody looks.

import type { Group, GroupCounts } from "../bindings";
import { problemOf, type Problem } from "../errors";
import { paced } from "../util/follow";
import type { Section } from "../util/status";
import type { App } from "./app.svelte";

const READ_MS = 400;

export class Groups {
  list = $state.raw<Group[]>([]);
  loaded = $state(false);
  problem = $state.raw<Problem | null>(null);

  #followers = 0;
  #read = this.#reading();
  #stop: (() => void)[] = [];

  constructor(private readonly app: App) {}

  /** To be called in an effect: follows the engine as long as one of these effects lives. */
  follow(): () => void {
    this.#followers += 1;
    if (this.#followers === 1) {
      this.#read = this.#reading();
      this.#stop = [
        this.app.onPush((push) => {
          if (push.kind !== "queue_update") return;
          // What was removed may have been a member; what never had a group changes none.
          if (push.event.what === "group_changed" || push.experiment === null || push.experiment.group !== null || push.event.what === "edited") this.#read.ask();
        }),
        this.app.onRefresh(() => this.#read.ask()),
      ];
      this.#read.ask();
    }
    return () => {
      this.#followers -= 1;
      if (this.#followers > 0) return;
      this.#read.stop();
      for (const stop of this.#stop) stop();
    };
  }

  get(name: string): Group | undefined {
    return this.list.find((it) => it.name === name);
  }

  /** Changes how many of a group may run at once; shown at once, taken back if the engine refuses. */
  async limit(name: string, parallel: number | null): Promise<void> {
    const before = this.list;
    this.list = before.map((it) => (it.name === name ? { ...it, parallel } : it));
    const answer = await this.app.attempt("groups.set", { name, parallel });
    this.list = answer?.groups ?? before;
  }

  again(): void {
    this.#read.ask();
  }

  #reading() {
    return paced(READ_MS, async () => {
      try {
        // A group whose members are all gone or put away has nothing to show.
        this.list = (await this.app.call("groups.list", {})).groups.filter((it) => memberCount(it.counts) > 0);
        this.problem = null;
        this.loaded = true;
      } catch (thrown) {
        this.problem = problemOf(thrown);
      }
    });
  }
}

/** Members in each section. */
export function groupSections(counts: GroupCounts): Record<Section, number> {
  return {
    active: counts.running + counts.paused,
    waiting: counts.pending + counts.queued,
    finished: counts.completed + counts.failed + counts.cancelled + counts.expired,
  };
}

/** Where a group stands: with its liveliest member. */
export function groupSection(counts: GroupCounts): Section {
  const { active, waiting } = groupSections(counts);
  return active > 0 ? "active" : waiting > 0 ? "waiting" : "finished";
}

export const memberCount = (counts: GroupCounts): number => {
  const { active, waiting, finished } = groupSections(counts);
  return active + waiting + finished;
};

/** What a sweep is over, in words: "lr × 3, seed × 5", with "12 at random" where not all of the grid is meant. */
export function sweepWords(group: Group): string {
  if (group.sweep === null) return "";
  const axes = group.sweep.axes.map((it) => `${it.key} × ${it.values.length}`).join(", ");
  return group.sweep.mode?.kind === "random" ? `${axes}, ${group.sweep.mode.count} at random` : axes;
}

/** The values of a point, read from its name or else its command; empty where neither says. */
export function pointValues(keys: readonly string[], name: string, command: string): string[] {
  return keys.map((key) => {
    const last = key.split(".").at(-1) ?? key;
    for (const text of [name, command]) {
      for (const word of new Set([key, last])) {
        const found = new RegExp(`(?:^|[\\s,;(/_+-])${escaped(word)}(?:=|:\\s?)("[^"]*"|'[^']*'|\\[[^\\]]*\\]|[^\\s,;)]+)`).exec(text);
        if (found !== null) return (found[1] ?? "").replace(/^["']|["']$/g, "");
      }
    }
    const flag = new RegExp(`--${escaped(last).replaceAll("_", "[_-]")}\\s+("[^"]*"|'[^']*'|\\S+)`).exec(command);
    return flag === null ? "" : (flag[1] ?? "").replace(/^["']|["']$/g, "");
  });
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
