// Numbers, sizes, times and durations as the window writes them. Pure: the present time is an argument.

import type { Number as WireNumber } from "../bindings";

const SPACE = "\u202f"; // narrow, does not break

/** The wire's number, with the named ones as what they are. */
export function toNumber(value: WireNumber): number {
  return typeof value === "number" ? value : value === "NaN" ? NaN : value === "Infinity" ? Infinity : -Infinity;
}

/** A metric's value in at most about seven characters. */
export function metric(value: WireNumber): string {
  const number = toNumber(value);
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e6) return withMinus(grouped(number));
  if (size >= 1e6 || size < 1e-3) return withMinus(number.toExponential(2).replace("e+", "e").replace(/\.?0+e/, "e"));
  const decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 4;
  return withMinus(size >= 1000 ? grouped(Math.round(number)) : number.toFixed(decimals));
}

/** A value as exactly as a double says it; for tooltips. */
export function exact(value: WireNumber): string {
  const number = toNumber(value);
  return Number.isFinite(number) ? withMinus(String(Number(number.toPrecision(7)))) : metric(value);
}

/** A whole number with groups of three. */
export function count(value: number): string {
  return grouped(Math.trunc(value));
}

/** Steps and epochs: 13,200 stays, 1,320,000 becomes 1.32M. */
export function step(value: number): string {
  if (!Number.isInteger(value)) return metric(value);
  return Math.abs(value) >= 1e6 ? `${trimZeros((value / 1e6).toFixed(2))}M` : grouped(value);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A size in binary units. */
export function bytes(size: number): string {
  const [value, unit] = scaled(size, unitOf(size));
  return `${value} ${unit}`;
}

/** Two sizes in the unit of the larger: "58.0 of 256 GiB". */
export function bytesOf(used: number, total: number): string {
  const power = unitOf(total);
  return `${scaled(used, power)[0]} of ${scaled(total, power)[0].replace(/\.0$/, "")} ${UNITS[power]}`;
}

function unitOf(size: number): number {
  let power = 0;
  while (power < UNITS.length - 1 && size >= 1024 ** (power + 1)) power += 1;
  return power;
}

function scaled(size: number, power: number): [string, string] {
  const value = size / 1024 ** power;
  const text = power === 0 ? String(Math.round(value)) : value >= 100 ? value.toFixed(0) : value.toFixed(1);
  return [text, UNITS[power] ?? "B"];
}

export function percent(value: number): string {
  return `${Math.round(value)}${SPACE}%`;
}

/** Energy in watt-hours: "0.4 Wh", "310 Wh", "2.4 kWh". */
export function energy(wattHours: number): string {
  if (wattHours >= 1_000) return `${(wattHours / 1_000).toFixed(wattHours >= 10_000 ? 0 : 1)} kWh`;
  return `${wattHours >= 10 ? Math.round(wattHours) : wattHours.toFixed(1)} Wh`;
}

/** How long something took: "0.4 s", "41 s", "1 min 12 s", "1 h 12 min", "3 d 4 h". */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 100) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 10) return `${trimZeros((Math.floor(ms / 100) / 10).toFixed(1))} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "min");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long something has been going on, as a clock that does not change width: "0:41", "12:05", "1:02:09". */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(seconds % 60).padStart(2, "0");
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A point in time, as short as it can be said today. */
export function when(at: number, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return clock(date);
  const month = MONTHS[date.getMonth()] ?? "";
  if (date.getFullYear() === today.getFullYear()) return `${date.getDate()} ${month}`;
  return `${date.getDate()} ${month} ${date.getFullYear()}`;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A day as a heading: "Today", "Yesterday", "Fri 20 Nov", with the year when it is another. */
export function day(at: number, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return "Today";
  const before = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === before.toDateString()) return "Yesterday";
  return `${DAYS[date.getDay()] ?? ""} ${date.getDate()} ${MONTHS[date.getMonth()] ?? ""}${date.getFullYear() === today.getFullYear() ? "" : ` ${date.getFullYear()}`}`;
}

/** The time of day to the second: "15:04:09". */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  return `${clock(date)}:${String(date.getSeconds()).padStart(2, "0")}`;
}

let full: Intl.DateTimeFormat | undefined;

/** A point in time in full, with the zone; for tooltips. */
export function fullTime(at: number): string {
  // Made once: making one takes longer than all that it writes on a screen.
  full ??= new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
  return full.format(at);
}

function clock(date: Date): string {
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

/** The first sentence of a message, without its full stop. */
export function firstSentence(text: string): string {
  const end = /[.!?](?=\s+["“(]?\p{Lu}|\s*$)/u.exec(text);
  return (end ? text.slice(0, end.index) : text).trim();
}

/** "1 job", "2 jobs". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function trimZeros(text: string): string {
  return text.replace(/\.0+$|(\.\d*?)0+$/, "$1");
}

function withMinus(text: string): string {
  return text.replaceAll("-", "−");
}
