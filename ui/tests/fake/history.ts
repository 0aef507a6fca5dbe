// A history of the machine as the engine would tell of it: jobs come and go on each GPU, always the same ones.

import type { HistoryBucket, HistoryChart, HistorySeries, HistoryUnit, JobMark } from "../../src/lib/bindings";
import type { FakeEngine } from "./engine";
import { GIB } from "./make";

const MIN = 60_000;
const HOUR = 60 * MIN;
const STEPS = [1_000, 2_000, 5_000, 10_000, 30_000, MIN, 2 * MIN, 10 * MIN, 30 * MIN, HOUR, 3 * HOUR, 9 * HOUR, 24 * HOUR];

type Gpu = { uuid: string; index: number; name: string };
type Picture = Pick<HistoryChart, "svg" | "plot"> & { y: { min: number; max: number } };
export type Wanted = { width: number; height: number; dark: boolean; unit: HistoryUnit; since: number; until: number; step: number; lines: { colour: number; buckets: [number, number, number, number][] }[] };

const METRICS: [string, string, HistoryUnit][] = [["gpu.util", "GPU utilisation", "percent"], ["gpu.mem", "GPU memory in use", "bytes"], ["gpu.power", "GPU power", "watt"], ["gpu.temp", "GPU temperature", "celsius"], ["gpu.fan", "GPU fan", "percent"], ["gpu.clock", "GPU clock", "megahertz"], ["cpu.util", "CPU utilisation", "percent"], ["mem.used", "Memory in use", "bytes"], ["net.in", "Network received", "bytes_per_second"], ["net.out", "Network sent", "bytes_per_second"], ["disk.free", "Disk space free", "bytes"]];

function noise(place: number, step: number): number {
  const x = Math.sin(place * 91.7 + step * 47.3) * 43_758.5453;
  return (x - Math.floor(x)) * 2 - 1;
}

/** What was on a GPU: one job after the other with a pause, back from now. */
function jobsOn(gpu: number, since: number, now: number, engine: FakeEngine): JobMark[] {
  const found: JobMark[] = [];
  const ended = engine.section("finished");
  const current = engine.section("active").find((it) => it.gpus.includes(gpu));
  let at = now;
  if (current !== undefined) {
    at = current.started_at ?? now - HOUR;
    found.push({ uid: current.uid, name: current.name, attempt: 1, from: at, to: null, status: current.status, gpus: [gpu] });
  }
  for (let i = 0; at > since && i < 4_000; i += 1) {
    const to = at - (4 + Math.abs(noise(gpu, i)) * 50) * MIN;
    const from = to - (20 + Math.abs(noise(gpu + 9, i)) * 220) * MIN;
    const of = ended[(i * 5 + gpu) % Math.max(ended.length, 1)];
    found.push({ uid: of?.uid ?? "none", name: of?.name ?? `run ${i}`, attempt: i + 2, from, to, status: i % 7 === 3 ? "failed" : "completed", gpus: [gpu] });
    at = from;
  }
  return found;
}

function valueAt(metric: string, gpu: number, busy: boolean, at: number): number {
  const slow = noise(gpu + 3, Math.floor(at / (17 * MIN)));
  const level = busy ? 84 + slow * 12 : 1;
  switch (metric) {
    case "gpu.util":
    case "gpu.fan":
      return Math.min(100, Math.max(0, metric === "gpu.fan" ? 30 + level * 0.4 : level));
    case "gpu.mem":
      return (busy ? 34 + slow * 7 : 0.6) * GIB;
    case "gpu.power":
      return 24 + level * 2.6;
    case "gpu.temp":
      return 36 + level * 0.38;
    case "gpu.clock":
      return busy ? 2_505 + slow * 40 : 210;
    case "cpu.util":
      return 36 + slow * 22;
    case "mem.used":
      return (60 + slow * 14) * GIB;
    case "disk.free":
      return (1_200 + Math.sin(at / (40 * HOUR)) * 90) * GIB;
    default:
      return 4e7 * (1 + slow);
  }
}

/** Answers for the history, with pictures by `draw`. */
export function useHistory(engine: FakeEngine, gpus: readonly Gpu[], now: () => number, draw: (wanted: Wanted) => Promise<Picture> | Picture): void {
  const series: HistorySeries[] = METRICS.flatMap(([metric, title, unit]): HistorySeries[] => {
    const of = { metric, title, unit, gpu: null, disk: null, uid: null, attempt: null, seen_at: now() };
    if (metric.startsWith("gpu.")) return gpus.map((gpu) => ({ ...of, gpu }));
    return metric === "disk.free" ? ["Data folder", "/mnt/nfs/datasets"].map((disk) => ({ ...of, disk })) : [of];
  });
  const begins_at = now() - 420 * 24 * HOUR;
  engine.answers["history.metrics"] = () => ({ series, begins_at });
  engine.answers["history.csv"] = ({ series: { metric, gpu } }) => ({ name: `${gpu === undefined ? "" : "gpu-"}${metric}.csv`, text: `time,min,mean,max,samples\n2026-11-21T15:00:00Z,1,2,3,60\n2026-11-21T15:01:00Z,2,3,4,60\n`, next: null });
  engine.answers["history.chart"] = async ({ series: asked, since: first, until: last, width, height, theme }) => {
    const until = last ?? now();
    const uid = asked[0]?.uid;
    const job = uid === undefined ? null : engine.get(uid);
    const since = Math.max(first ?? job?.started_at ?? begins_at, begins_at);
    const step = STEPS.find((it) => (until - since) / it <= width) ?? 24 * HOUR;
    const shown = asked.flatMap((ref) => job !== null ? [{ metric: ref.metric.replace("job.", ""), title: "GPU of the job", unit: ref.metric === "job.gpu.mem" ? "bytes" as const : "percent" as const, gpu: null, disk: null, uid: job.uid, attempt: 1, seen_at: now() }] :  series.filter((it) => it.metric === ref.metric && (ref.gpu === undefined || it.gpu?.uuid === ref.gpu) && (ref.disk === undefined || it.disk === ref.disk)));
    const schedules = new Map(gpus.map((it) => [it.index, jobsOn(it.index, since, now(), engine)]));
    const lines = shown.map((of, i) => {
      const gpu = of.gpu?.index ?? 20 + i;
      const jobs = (schedules.get(gpu) ?? []).toReversed();
      let next = 0;
      const buckets: HistoryBucket[] = [];
      for (let at = Math.floor(since / step) * step; at < until; at += step) {
        while (next < jobs.length - 1 && (jobs[next]?.to ?? Infinity) < at) next += 1;
        const job = jobs[next];
        const busy = of.uid !== null || (job !== undefined && job.from <= at && (job.to ?? Infinity) >= at);
        const mean = valueAt(of.metric, gpu, busy, at) * (1 + noise(gpu, at / step) * 0.03);
        const most = of.unit === "percent" ? 100 : Infinity;
        buckets.push({ at, mean: Math.min(mean, most), min: mean * (busy ? 0.55 + Math.abs(noise(gpu + 1, at / step)) * 0.4 : 0.9), max: Math.min(mean * 1.06, most), count: step / 1_000 });
      }
      return { series: of, colour: (of.gpu?.index ?? i) % 6, buckets };
    });
    const unit = shown[0]?.unit ?? "percent";
    const picture = await draw({ width, height, dark: theme === "dark", unit, since, until, step, lines: lines.map((it) => ({ colour: it.colour, buckets: it.buckets.map((one) => [one.at, one.min, one.mean, one.max]) })) });
    const seen = asked.some((it) => it.gpu !== undefined) ? new Set(shown.map((it) => it.gpu?.index)) : null;
    const jobs = [...schedules].filter(([index]) => seen === null || seen.has(index)).flatMap(([, of]) => of).filter((it) => it.from < until && (it.to ?? now()) > since).sort((a, b) => a.from - b.from);
    return { svg: picture.svg, plot: picture.plot, x: { min: since, max: until, scale: "linear" }, y: { ...picture.y, scale: "linear" }, unit, step_ms: step, lines, jobs: jobs.slice(-400), jobs_cut: jobs.length > 400, damaged: 0 };
  };
}

/** A picture for tests that look at no picture: one path for each line. */
export function sketch({ width, height, lines, since, until }: Wanted): Picture {
  const plot = { left: 40, top: 8, width: width - 52, height: height - 32 };
  const most = lines.flatMap((it) => it.buckets).reduce((top, it) => Math.max(top, it[3]), 1);
  const x = (at: number) => (plot.left + ((at - since) / (until - since)) * plot.width).toFixed(1);
  const y = (value: number) => (plot.top + (1 - value / most) * plot.height).toFixed(1);
  const paths = lines.map((it) => `<path class="c${it.colour + 1}" fill="none" stroke="currentColor" d="M${it.buckets.map(([at, , mean]) => `${x(at)} ${y(mean)}`).join("L")}"/>`);
  return { svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">${paths.join("")}</svg>`, plot, y: { min: 0, max: most } };
}
