// The folders in which runs are looked for.

import type { WatchFolder } from "../bindings";
import { problemOf, type Problem } from "../errors";
import type { App } from "../state/app.svelte";
import { paced } from "../util/follow";
import { runsPush } from "./push";

const READ_MS = 400;

export class Watches {
  folders = $state.raw<WatchFolder[] | null>(null);
  problem = $state.raw<Problem | null>(null);

  constructor(private readonly app: App) {}

  readonly looking = $derived((this.folders ?? []).some((it) => it.looking));

  /** Keeps them current as long as they are looked at. */
  follow(): () => void {
    const read = paced(READ_MS, () => this.read());
    const stops = [
      this.app.onPush((push) => {
        const runs = runsPush(push);
        // What a run writes changes nothing here, but how far a look is.
        if (runs?.structure === true || (runs !== null && this.looking) || push.kind === "monitor_update") read.ask();
      }),
      this.app.onRefresh(() => read.ask()),
    ];
    read.ask();
    return () => {
      read.stop();
      for (const stop of stops) stop();
    };
  }

  async read(): Promise<void> {
    try {
      this.folders = (await this.app.call("watch.list", {})).folders;
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  async remove(folder: WatchFolder): Promise<void> {
    const yes = await this.app.ask({
      title: "Stop watching this folder?",
      text: `${folder.path}\n\nIts runs leave the list, with the tags and notes that you gave them here. Nothing on disk is touched.`,
      yes: "Stop watching",
      no: "Keep it",
    });
    if (!yes) return;
    const left = await this.app.attempt("watch.remove", { id: folder.id });
    if (left === null) return;
    await this.read();
    this.app.toasts.say(`Stopped watching ${folder.path}`, {
      label: "Undo",
      run: () => void this.app.attempt("watch.add", { path: folder.path, ...(folder.project === null ? {} : { project: folder.project }), ...(folder.pattern === null ? {} : { pattern: folder.pattern }) }).then(() => this.read()),
    });
  }

  async look(folder: WatchFolder): Promise<void> {
    if ((await this.app.attempt("watch.look", { id: folder.id })) !== null) await this.read();
  }
}
