// What the pictures need a real engine for: logs as it reads them, curves as it draws them.
//
// The queue in the pictures is one in memory, because only there is every experiment where it is wanted at the second
// that is wanted. Its curves come from jobs with the same numbers, which a real engine has run.

import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "playwright-core";

import { BIN, ended, type Engine, queue, startEngine } from "../browser/harness";
import { aSweep } from "./sweep";

/** Always the same noise. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

type Course = { name: RegExp; steps: number; every: number; columns: Record<string, (share: number, noise: () => number) => number>; log: (step: number) => string };

const fall = (from: number, to: number, speed: number, rough: number) => (share: number, n: () => number) => to + (from - to) * Math.exp(-share * speed) + n() * rough * (0.3 + (1 - share));
const rise = (from: number, to: number, speed: number, rough: number) => (share: number, n: () => number) => to - (to - from) * Math.exp(-share * speed) + n() * rough;

const COURSES: readonly Course[] = [
  {
    name: /distill|llama/,
    steps: 42_600,
    every: 100,
    columns: { "train/loss": fall(6.9, 1.12, 9, 0.22), "val/loss": fall(6.2, 1.31, 8, 0.07), "val/acc": rise(0.02, 0.8231, 6, 0.008), lr: (share) => 3e-4 * 0.5 * (1 + Math.cos(Math.PI * Math.min(share * 0.71, 1))) },
    log: (step) => `epoch ${String(Math.floor(step / 600)).padStart(2)} step ${step} loss ${(1.12 + 40 / (step / 100 + 8)).toFixed(4)} lr 2.41e-04 812 img/s`,
  },
  { name: /ppo/, steps: 20_000, every: 80, columns: { return: rise(180, 5_912, 4, 420), "ep/len": rise(40, 991, 7, 60), "train/kl": fall(0.03, 0.011, 3, 0.004) }, log: (step) => `iter ${step} return ${(5_912 - 500_000 / (step + 90)).toFixed(0)} kl 0.011` },
  { name: /.*/, steps: 60_000, every: 200, columns: { "val/iou": rise(0.21, 0.7446, 5, 0.012), "train/loss": fall(1.4, 0.19, 7, 0.05) }, log: (step) => `step ${step} loss ${(0.19 + 300 / (step + 260)).toFixed(4)}` },
];

export type Drawer = { give(page: Page): Promise<void>; /** The engine itself, and the runs of a sweep in it. */ engine: Engine; sweep: Record<string, string>; stop(): Promise<void> };

export async function startDrawer(): Promise<Drawer> {
  const engine: Engine = await startEngine(COURSES.length);
  const uids: string[] = [];
  for (const [i, course] of COURSES.entries()) {
    const n = noise(i + 7);
    const keys = Object.keys(course.columns);
    const rows = [`step,${keys.join(",")}`];
    const log: string[] = [];
    for (let step = course.every; step <= course.steps; step += course.every) {
      rows.push([step, ...keys.map((key) => course.columns[key]!(step / course.steps, n).toPrecision(5))].join(","));
      if (step % (course.every * 4) === 0) log.push(course.log(step));
    }
    // Each in a folder of its own, because what a folder holds is read for every job in it.
    const cwd = join(engine.work, String(i));
    await mkdir(cwd);
    await writeFile(join(cwd, "course"), rows.join("\n") + "\n");
    await writeFile(join(cwd, "log"), log.join("\n") + "\n");
    uids.push(await queue(engine, `course ${i}`, "cat course > metrics.csv; cat log", { cwd }));
  }
  for (const uid of uids) await ended(engine, uid);
  const { uids: sweep, remove } = await aSweep(engine);
  return {
    engine,
    sweep,
    async give(page) {
      await page.exposeFunction("drawn", (method: "chart.draw" | "metrics.list" | "log.tail" | "log.read", input: { uid: string }, name: string) =>
        engine.call(method, { ...input, uid: uids[COURSES.findIndex((it) => it.name.test(name))] } as never),
      );
      // The machine's history is months long, and none that an engine could have recorded just now.
      await page.exposeFunction("drawnHistory", (wanted: object) => {
        const drawn = spawnSync(join(BIN, "../examples/draw_history"), { input: JSON.stringify(wanted), maxBuffer: 64 * 1024 * 1024 });
        if (drawn.status !== 0) throw new Error(`draw_history: ${drawn.error?.message ?? String(drawn.stderr)}`);
        return JSON.parse(String(drawn.stdout)) as object;
      });
    },
    async stop() {
      await engine.stop();
      await remove();
    },
  };
}
