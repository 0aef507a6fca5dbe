// Readings: a value, or in words why there is none. What is not known is never shown as 0.

import type { Reading } from "../bindings";

/** What was read; null where nothing was. */
export const valueOf = <T>(reading: Reading<T> | undefined): T | null => (reading?.state === "value" ? reading.value : null);

/** Why there is no value, for a tooltip; empty where there is one. */
export function whyNot(reading: Reading<unknown>, what: string): string {
  if (reading.state === "value") return "";
  return reading.state === "unsupported" ? `${what}: the device does not report it` : `${what} could not be read: ${reading.message}`;
}

/** In words: the value, or that it is not reported, or why it could not be read. */
export function readingWords<T>(reading: Reading<T>, words: (value: T) => string): string {
  if (reading.state === "value") return words(reading.value);
  return reading.state === "unsupported" ? "not reported" : reading.message;
}

/** What is used of something and how much that is in percent; null where either is not known. */
export function shareOf(used: Reading<number>, total: Reading<number>): { used: number; total: number; percent: number } | null {
  const [part, whole] = [valueOf(used), valueOf(total)];
  return part === null || whole === null || whole <= 0 ? null : { used: part, total: whole, percent: (part / whole) * 100 };
}
