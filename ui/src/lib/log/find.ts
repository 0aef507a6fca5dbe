// Finding words in loaded lines.

import { strip } from "./ansi";
import type { Line } from "./model";

export type Match = { line: number; from: number; to: number };

/** More would help nobody to find anything. */
export const MATCHES_AT_MOST = 10_000;

/** Every place in the lines where the words stand, whatever their case. */
export function find(lines: readonly Line[], words: string): Match[] {
  const wanted = words.toLowerCase();
  const matches: Match[] = [];
  if (wanted === "") return matches;
  for (let line = 0; line < lines.length; line += 1) {
    const text = strip(lines[line]?.text ?? "").toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      matches.push({ line, from: at, to: at + wanted.length });
      if (matches.length >= MATCHES_AT_MOST) return matches;
    }
  }
  return matches;
}

/** The pieces of a text that stands at `offset` in its line, with those inside a match marked. */
export function mark(
  text: string,
  offset: number,
  matches: readonly Match[],
): { text: string; match: Match | null }[] {
  const pieces: { text: string; match: Match | null }[] = [];
  let at = 0;
  for (const match of matches) {
    const from = Math.max(match.from - offset, at);
    const to = Math.min(match.to - offset, text.length);
    if (to <= from) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), match: null });
    pieces.push({ text: text.slice(from, to), match });
    at = to;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), match: null });
  return pieces;
}
