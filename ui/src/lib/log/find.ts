// Marking what was found in lines. The engine finds; here it is only put into the text that is shown.

import type { LogMatch } from "../bindings";
import type { Line } from "./model";

/** Where in a line's text, without colours, something stands. */
export type Place = { from: number; to: number };

/** The line that a place in the log belongs to: the last one that begins at it or before it; -1 if none does. */
export function lineAt(lines: readonly Line[], offset: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.offset ?? Infinity) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The index of the first line that begins at an offset or behind it; how many there are if none does. */
export function lineBehind(lines: readonly Line[], offset: number): number {
  return lineAt(lines, offset - 1) + 1;
}

/** The places of the matches by the id of the line that they are in. */
export function placesByLine(lines: readonly Line[], matches: readonly LogMatch[]): Map<number, Place[]> {
  const places = new Map<number, Place[]>();
  for (const match of matches) {
    const line = lines[lineAt(lines, match.offset)];
    if (line !== undefined) places.set(line.id, match.ranges.map(([from, to]) => ({ from, to })));
  }
  return places;
}

/** The pieces of a text that stands at `offset` in its line, with those inside a place marked. */
export function mark(text: string, offset: number, places: readonly Place[]): { text: string; marked: boolean }[] {
  const pieces: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const place of places) {
    const from = Math.max(place.from - offset, at);
    const to = Math.min(place.to - offset, text.length);
    if (to <= from) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), marked: false });
    pieces.push({ text: text.slice(from, to), marked: true });
    at = to;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), marked: false });
  return pieces;
}
