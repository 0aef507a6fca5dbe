// What an experiment asks of the machine: written, read and checked.

import type { Requirements } from "../bindings";
import { bytes, count, duration } from "./format";

const GIB = 1024 ** 3;
const UNITS: Record<string, number> = { "": GIB, b: 1, k: 1024, m: 1024 ** 2, g: GIB, t: 1024 ** 4 };

/** Bytes of "40", "40 GiB", "512M" or "1.5 T" (a plain number counts GiB); null when it is none of these. */
export function parseSize(text: string): number | null {
  const found = /^(\d+(?:[.,]\d+)?)\s*(?:([bkmgt])(?:i?b)?)?$/i.exec(text.trim());
  if (found === null) return null;
  const size = Math.round(Number(found[1]?.replace(",", ".")) * (UNITS[(found[2] ?? "").toLowerCase()] ?? GIB));
  return size > 0 ? size : null;
}

/** A size as a field shows it, so that it reads back as the same number: "40 GiB", "512 MiB". */
export function sizeText(size: number): string {
  for (const [unit, name] of [[1024 ** 4, "TiB"], [GIB, "GiB"], [1024 ** 2, "MiB"], [1024, "KiB"]] as const) {
    if (size >= unit && size % (unit / 4) === 0) return `${size / unit} ${name}`;
  }
  return `${size} B`;
}

/** Only what is asked for: the engine writes down the rest as null. */
export function given(needs: Requirements): Requirements {
  const asked = Object.entries(needs as Record<string, unknown>).filter(([, it]) => it !== undefined && it !== null && it !== 0 && !(Array.isArray(it) && it.length === 0));
  return Object.fromEntries(asked) as Requirements;
}

const short = (size: number): string => bytes(size).replace(".0 ", " ");

/** The GPUs that are asked for, as a row shows them: "2 × 40 GiB", "1 × A100". Empty when none are. */
export function gpuWords(asked: Requirements): string {
  const needs = given(asked);
  const gpus = needs.gpus ?? 0;
  if (gpus === 0) return "";
  const what = [needs.gpu_memory === undefined ? "" : short(needs.gpu_memory), needs.gpu_model ?? ""].filter((it) => it !== "").join(" ");
  return what === "" ? `${gpus} GPU${gpus === 1 ? "" : "s"}` : `${gpus} × ${what}`;
}

/** All that is asked for in one line; empty when nothing is. */
export function needsWords(asked: Requirements): string {
  const needs = given(asked);
  const parts = [gpuWords(needs)];
  if (needs.cpu_cores !== undefined) parts.push(needs.cpu_cores === 1 ? "1 core" : `${count(needs.cpu_cores)} cores`);
  if (needs.memory !== undefined) parts.push(`${short(needs.memory)} memory`);
  if (needs.disk !== undefined) parts.push(`${short(needs.disk)} disk`);
  return parts.filter((it) => it !== "").join(" · ");
}

/** The same with what a tooltip or the details have room for. */
export function needsInFull(asked: Requirements): string {
  const needs = given(asked);
  const parts = [needsWords(needs)];
  if ((needs.gpus ?? 0) > 0) {
    const exclusive = needs.gpu_exclusive ?? needs.gpu_memory === undefined;
    parts.push(exclusive ? "for itself" : "shared");
    if ((needs.gpu_uuids ?? []).length > 0) parts.push(`only ${(needs.gpu_uuids ?? []).join(", ")}`);
  }
  if (needs.estimated_ms !== undefined) parts.push(`about ${duration(needs.estimated_ms)}`);
  return parts.filter((it) => it !== "").join(" · ");
}

export const asksForAnything = (needs: Requirements): boolean => Object.keys(given(needs)).length > 0;
