// Going to a place of a log by its line, its share of the whole, or its offset.

import type { LogSource } from "./source";

export type Place = { kind: "line"; line: number } | { kind: "share"; share: number } | { kind: "offset"; offset: number } | { kind: "start" } | { kind: "end" };

/** What people write: `120`, `40 %`, `@1048576`, `start`, `end`; null for anything else. Spaces and commas in numbers do not count. */
export function parsePlace(text: string): Place | null {
  const words = text.trim().toLowerCase();
  if (words === "start" || words === "end") return { kind: words };
  const [, at, digits, share] = /^(@|line )?([0-9][0-9 ,_]*(?:\.[0-9]+)?)\s*(%)?$/.exec(words) ?? [];
  if (digits === undefined) return null;
  const number = Number(digits.replace(/[ ,_]/g, ""));
  if (!Number.isFinite(number)) return null;
  if (share !== undefined) return at === undefined && number <= 100 ? { kind: "share", share: number / 100 } : null;
  if (!Number.isSafeInteger(number)) return null;
  if (at === "@") return { kind: "offset", offset: number };
  return number >= 1 ? { kind: "line", line: number } : null;
}

/** Counts up to a line, however many calls that takes. `progress` is told how much of the log was passed, 0–1. */
export async function offsetOfLine(
  source: LogSource,
  line: number,
  end: number,
  progress: (share: number) => void,
  stop: AbortSignal,
): Promise<{ offset: number; line: number } | null> {
  let from: number | undefined;
  let passed = 0;
  for (;;) {
    const found = await source.seek({ lines: line - 1 - passed, ...(from === undefined ? {} : { from }) });
    if (stop.aborted) return null;
    passed += found.lines;
    if (found.done) return { offset: found.offset, line: passed + 1 };
    from = found.next;
    progress(end > 0 ? Math.min(1, found.next / end) : 0);
  }
}
