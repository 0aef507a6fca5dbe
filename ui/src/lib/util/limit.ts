// A time limit as people write it.

const UNITS: Record<string, number> = { s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of "90 min", "1h 30m", "2:30:00" or "45" (minutes); null when it is none of these, or no time at all. */
export function timeLimit(text: string): number | null {
  const words = text.trim().toLowerCase();
  if (words === "") return null;
  const clock = /^(\d+):([0-5]?\d)(?::([0-5]?\d))?$/.exec(words);
  if (clock !== null) {
    const [, first, second, third] = clock.map(Number);
    const seconds = Number.isNaN(third ?? NaN) ? (first ?? 0) * 3_600 + (second ?? 0) * 60 : (first ?? 0) * 3_600 + (second ?? 0) * 60 + (third ?? 0);
    return seconds > 0 ? seconds * 1_000 : null;
  }
  if (/^\d+(\.\d+)?$/.test(words)) return Number(words) > 0 ? Number(words) * 60_000 : null;
  let total = 0;
  let rest = words;
  while (rest !== "") {
    const part = /^(\d+(?:\.\d+)?)\s*(sec|min|s|m|h|d)[a-z]*\s*/.exec(rest);
    if (part === null) return null;
    total += Number(part[1]) * (UNITS[part[2] ?? ""] ?? 0);
    rest = rest.slice(part[0].length);
  }
  return total > 0 ? Math.round(total) : null;
}
