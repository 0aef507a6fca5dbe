// Where the bars of jobs stand below a chart over time. Pure.

import type { JobMark } from "../bindings";

export type Placed = { mark: JobMark; left: number; width: number; row: number };

/** So many bars at most. */
const MOST_BARS = 240;
const LEAST = 2;

/**
 * Puts each bar into the first row that is free, in the order in which they began.
 *
 * - Positions are pixels from the left edge of the plot, `width` pixels wide, over the time `from` to `to`.
 * - What goes on ends at `now`.
 * - Where there are too many, the longest are shown; the answer says how many are not. Nor are those that `most` rows
 *   have no room for.
 */
export function place(marks: readonly JobMark[], from: number, to: number, now: number, width: number, most: number): { placed: Placed[]; rows: number; hidden: number } {
  const scale = width / Math.max(to - from, 1);
  const shown = marks
    .map((mark) => ({ mark, begin: Math.max(mark.from, from), end: Math.min(mark.to ?? now, to) }))
    .filter((it) => it.end >= from && it.begin <= to && it.end >= it.begin);
  const kept = shown.length <= MOST_BARS ? shown : [...shown].sort((a, b) => b.end - b.begin - (a.end - a.begin)).slice(0, MOST_BARS);
  kept.sort((a, b) => a.begin - b.begin || b.end - a.end);
  const ends: number[] = [];
  const placed: Placed[] = [];
  let hidden = shown.length - kept.length;
  for (const { mark, begin, end } of kept) {
    const left = Math.min((begin - from) * scale, width - LEAST);
    const wide = Math.max((end - begin) * scale, LEAST);
    let row = ends.findIndex((it) => it <= left);
    if (row < 0) row = ends.length;
    if (row >= most) {
      hidden += 1;
      continue;
    }
    ends[row] = left + (wide < 6 ? wide : wide + 1);
    placed.push({ mark, left, width: Math.min(wide, width - left), row });
  }
  return { placed, rows: ends.length, hidden };
}
