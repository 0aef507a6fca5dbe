// Where the bars of the timeline stand: lanes with as many rows as overlap, ticks of the time axis. Pure.

import type { Bar, Lane } from "../bindings";

export const LANE_PAD = 5;
export const BAR = 20;
export const AXIS = 26;

export type Placed = { bar: Bar; lane: number; row: number };
export type Band = { lane: Lane; top: number; rows: number; height: number };
export type Stacked = { bands: Band[]; bars: Placed[]; height: number };

/**
 * Puts each bar into the first row of its lanes that is free at its start.
 *
 * - Bars come in order of their start, as the engine gives them; a bar with several lanes stands in each.
 * - A bar that goes on ends now.
 */
export function stack(lanes: readonly Lane[], bars: readonly Bar[], now: number): Stacked {
  const at = new Map(lanes.map((it, i) => [it.id, i]));
  /** For each lane the end of the last bar in each row. */
  const ends: number[][] = lanes.map(() => []);
  const placed: Placed[] = [];
  for (const bar of bars) {
    for (const id of bar.lanes) {
      const lane = at.get(id);
      const rows = lane === undefined ? undefined : ends[lane];
      if (lane === undefined || rows === undefined) continue;
      let row = rows.findIndex((end) => end <= bar.from);
      if (row < 0) row = rows.length;
      rows[row] = bar.to ?? Math.max(now, bar.from + 1);
      placed.push({ bar, lane, row });
    }
  }
  let top = 0;
  const bands = lanes.map((lane, i): Band => {
    const rows = Math.max(ends[i]?.length ?? 0, 1);
    const band = { lane, top, rows, height: rows * BAR + 2 * LANE_PAD };
    top += band.height;
    return band;
  });
  return { bands, bars: placed, height: top };
}

export type View = { from: number; to: number };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const LEAST_SPAN = 2 * MINUTE;
export const MOST_SPAN = 60 * DAY;
const STEPS = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

/** Makes the span `factor` times as long, leaving the moment under the pointer where it is. */
export function zoomed(view: View, factor: number, about: number): View {
  const span = Math.min(Math.max((view.to - view.from) * factor, LEAST_SPAN), MOST_SPAN);
  const share = (about - view.from) / (view.to - view.from);
  const from = about - share * span;
  return { from, to: from + span };
}

export type Tick = { at: number; label: string; day: boolean };

/** Round moments of the user's zone, at least `apart` pixels from each other. */
export function ticks(view: View, width: number, apart: number): Tick[] {
  const span = view.to - view.from;
  const step = STEPS.find((it) => (it / span) * width >= apart) ?? 28 * DAY;
  const found: Tick[] = [];
  const first = new Date(view.from);
  first.setHours(0, 0, 0, 0);
  // Counted from midnight, and midnight is found anew each day, so that a change of the clock moves nothing.
  for (let day = first; day.getTime() < view.to && found.length < 400; day = nextDay(day, step)) {
    const end = nextDay(day, step).getTime();
    const skipped = Math.max(0, Math.floor((view.from - day.getTime()) / step)) * step;
    for (let at = day.getTime() + skipped; at < Math.min(end, view.to); at += Math.min(step, DAY * 28)) {
      if (at < view.from) continue;
      const date = new Date(at);
      const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
      found.push({ at, day: midnight, label: midnight ? date.toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short" }) : `${two(date.getHours())}:${two(date.getMinutes())}${step < MINUTE ? `:${two(date.getSeconds())}` : ""}` });
    }
  }
  return found;
}

function nextDay(day: Date, step: number): Date {
  const next = new Date(day);
  next.setDate(next.getDate() + Math.max(1, Math.round(step / DAY)));
  return next;
}

const two = (number: number): string => String(number).padStart(2, "0");

/** The bar that an arrow leads to from the present one. */
export function neighbour(stacked: Stacked, from: Placed, key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", now: number): Placed | null {
  const middle = (it: Placed) => (it.bar.from + (it.bar.to ?? now)) / 2;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const same = stacked.bars.filter((it) => it.lane === from.lane).sort((a, b) => a.bar.from - b.bar.from || a.row - b.row);
    return same[same.indexOf(from) + (key === "ArrowLeft" ? -1 : 1)] ?? null;
  }
  const line = (it: Placed) => it.lane * 10_000 + it.row;
  const by = key === "ArrowUp" ? -1 : 1;
  const beyond = stacked.bars.filter((it) => (line(it) - line(from)) * by > 0);
  const next = by > 0 ? Math.min(...beyond.map(line)) : Math.max(...beyond.map(line));
  let best: Placed | null = null;
  for (const it of beyond) {
    if (line(it) === next && (best === null || Math.abs(middle(it) - middle(from)) < Math.abs(middle(best) - middle(from)))) best = it;
  }
  return best;
}
