// Runs on disk for the pictures of what is asked of a real engine: two ways to train, five seeds of each.
//
// They lie in the same folder each time and are as old, so that names, colours and times of the pictures are the same.

import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Engine, until } from "../browser/harness";

const FOLDER = join(tmpdir(), "athanor-shots");
const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 400;
const STARTED = Date.UTC(2026, 10, 21, 9, 12);
const TOOK_MS = 97 * 60_000;

/** Always the same noise. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

async function aRun(name: string, kd: number, seed: number): Promise<void> {
  const at = join(FOLDER, name);
  await mkdir(at, { recursive: true });
  const n = noise(seed * 31 + Math.round(kd * 100));
  const floor = 1.18 - kd * 0.12 + n() * 0.03;
  const rows = ["step,train/loss,val/loss,val/acc,lr"];
  for (let step = 1; step <= STEPS; step += 1) {
    const loss = floor + 4.6 * Math.exp((-step / STEPS) * 7);
    rows.push([step * 100, loss + n() * 0.08, loss * 1.09 + n() * 0.02, 0.98 - loss / 7 + n() * 0.004, 1.5e-4 * (1 + Math.cos((Math.PI * step) / STEPS))].map((it) => it.toPrecision(6)).join(","));
  }
  const times = { start_time: new Date(STARTED + seed * 60_000).toISOString(), end_time: new Date(STARTED + TOOK_MS + seed * 95_000).toISOString() };
  const files: [string, string][] = [
    ["metadata.json", JSON.stringify({ run_id: name, name, project: "vit-distill", group: `kd=${kd}`, status: "completed", ...times })],
    ["hparams.yaml", `lr: 0.0003\nbatch_size: 512\nkd: ${kd}\nmodel: vit-s16\nseed: ${seed}\n`],
    ["metrics.csv", `${rows.join("\n")}\n`],
  ];
  for (const [file, text] of files) {
    await writeFile(join(at, file), text);
    const when = new Date(STARTED + TOOK_MS + seed * 95_000);
    await utimes(join(at, file), when, when);
  }
}

/** Writes the runs and watches their folder. Answers their uids by name, and what takes them away again. */
export async function aSweep(engine: Engine): Promise<{ uids: Record<string, string>; remove: () => Promise<void> }> {
  await rm(FOLDER, { recursive: true, force: true });
  for (const seed of SEEDS) for (const kd of [0, 0.7]) await aRun(`vit-s16 kd=${kd} seed ${seed}`, kd, seed);
  await engine.call("watch.add", { path: FOLDER, project: "vit-distill" });
  const uids = await until("the runs of the pictures are read", async () => {
    const { rows } = await engine.call("runs.list", { query: "project = vit-distill", limit: 50 });
    return rows.length === 2 * SEEDS.length && rows.every((it) => it.points === 4 * STEPS) && Object.fromEntries(rows.map((it) => [it.name, it.uid]));
  });
  return { uids, remove: () => rm(FOLDER, { recursive: true, force: true }) };
}
