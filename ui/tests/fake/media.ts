// Images and histograms in memory: as many as a run's detail says, drawn when they are asked for.

import type { RunMedium, RunMediumKind } from "../../src/lib/bindings";
import type { FakeEngine } from "./engine";
import type { FakeRuns } from "./runs";

const SIZE = 64;
const BUCKETS = 24;

function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const chunk = (name: string, data: readonly number[]): number[] => {
  const body = [...name].map((it) => it.charCodeAt(0)).concat(data);
  return [...word(data.length), ...body, ...word(crc(Uint8Array.from(body)))];
};

/** A grey picture as a PNG whose data is stored and not compressed (RFC 1950, RFC 1951). */
function png(shade: (x: number, y: number) => number): string {
  const rows = Array.from({ length: SIZE }, (_, y) => [0, ...Array.from({ length: SIZE }, (_, x) => Math.round(shade(x, y)) & 255)]).flat();
  let [a, b] = [1, 0];
  for (const byte of rows) [a, b] = [(a + byte) % 65521, (a + byte + b) % 65521];
  const low = (value: number) => [value & 255, value >> 8];
  const data = [0x78, 1, 1, ...low(rows.length), ...low(rows.length ^ 0xffff), ...rows, ...word(b * 65536 + a)];
  return btoa(String.fromCharCode(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...chunk("IHDR", [...word(SIZE), ...word(SIZE), 8, 0, 0, 0, 0]), ...chunk("IDAT", data), ...chunk("IEND", [])));
}

/** The share of each bucket, which grows narrower from step to step. */
function bell(step: number): [number, number, number][] {
  const wide = 0.2 + 2 / (1 + step / 10);
  return Array.from({ length: BUCKETS }, (_, i) => {
    const [from, to] = [-3 + (i * 6) / BUCKETS, -3 + ((i + 1) * 6) / BUCKETS];
    return [from, to, Math.round(4096 * (6 / BUCKETS / wide) * Math.exp(-(((from + to) / 2 / wide) ** 2)))];
  });
}

export function mediaAnswers(runs: FakeRuns): Partial<FakeEngine["answers"]> {
  const kindOf = (kind: string): RunMediumKind => (kind.startsWith("image") ? "image" : "histogram");
  const all = (uid: string): RunMedium[] =>
    (runs.get(uid).detail?.media ?? []).flatMap(({ kind, key, count }) =>
      Array.from({ length: count }, (_, i): RunMedium => ({ kind: kindOf(kind), key, index: 0, step: i + 1, wall: 1_000 * i, width: SIZE, height: SIZE, file: "/data/events", place: { at: "listed", number: i + 1 } })),
    );
  const step = (place: RunMedium["place"]): number => (place.at === "listed" ? place.number : 1);
  return {
    "runs.media": ({ uid, kind, key, after = 0, limit }) => {
      const wanted = all(uid).filter((it) => (kind === undefined || it.kind === kind) && (key === undefined || it.key === key));
      const groups = (runs.get(uid).detail?.media ?? []).map((it) => ({ kind: kindOf(it.kind), key: it.key, count: it.count }));
      return { items: wanted.slice(after, after + limit), total: wanted.length, groups, done: true, read: 1, size: 1, cut: false, problems: [] };
    },
    "runs.image": ({ place }) => {
      const turn = step(place) / 12;
      return { mime: "image/png", width: SIZE, height: SIZE, base64: png((x, y) => 128 + 110 * Math.sin(x / (6 + turn)) * Math.cos(y / (5 + turn))) };
    },
    "runs.histogram": ({ place }) => {
      const buckets = bell(step(place));
      return { buckets, total: buckets.reduce((sum, it) => sum + it[2], 0), median: 0 };
    },
    "runs.histograms": ({ uid, key, width, height }) => {
      const columns = all(uid).filter((it) => it.kind === "histogram" && it.key === key);
      const plot = { left: 28, top: 8, width: width - 34, height: height - 26 };
      const wide = plot.width / columns.length;
      const cells = columns.flatMap((it, i) =>
        bell(it.step).map(([, to, many]) => `<path class="c1" fill="#1d6fd1" fill-opacity="${Math.sqrt(many / 4096).toFixed(2)}" d="M${(plot.left + i * wide).toFixed(1)} ${(plot.top + ((3 - to) / 6) * plot.height).toFixed(1)}h${wide.toFixed(1)}v${(plot.height / BUCKETS).toFixed(1)}h-${wide.toFixed(1)}z"/>`),
      );
      const chart = {
        svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${cells.join("")}</svg>`,
        plot,
        x: { min: 0.5, max: columns.length + 0.5, scale: "linear" as const },
        y: { min: -3, max: 3, scale: "linear" as const },
        lines: [{ key, colour: 0, points: columns.map((it): [number, number] => [it.step, 0]), total: columns.length }],
      };
      return { chart, columns, total: columns.length, unread: 0 };
    },
  };
}
