// What stands in a cell of the table of runs.

import type { Cell, RunRow } from "../bindings";
import { bytes, count, elapsed, exact, fullTime, metric, step, when } from "../util/format";
import { columnOf } from "./columns";

export type Shown = { text: string; /** In full, where it is shortened. */ tip: string };

const NONE: Shown = { text: "", tip: "" };
const plain = (text: string | null): Shown => (text === null || text === "" ? NONE : { text, tip: "" });

/** A number of the wire, also one that JSON has no sign for; null for anything else. */
export function numberOf(cell: Cell | undefined): number | null {
  if (typeof cell === "number") return cell;
  return cell === "NaN" ? NaN : cell === "Infinity" ? Infinity : cell === "-Infinity" ? -Infinity : null;
}

/** A setting as people write it: 3e-4 stays what it is. */
export function setting(value: Cell): string {
  if (value === null) return "null";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(6)));
}

function metricCell(cell: Cell, steps: boolean): Shown {
  const number = numberOf(cell);
  if (number === null) return NONE;
  const wire = Number.isFinite(number) ? number : Number.isNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  return steps ? { text: step(number), tip: "" } : { text: metric(wire), tip: exact(wire) };
}

/** How long a run took, or has taken so far; null where nobody knows. */
export function durationOf(run: Pick<RunRow, "started" | "finished" | "changed" | "status">, now: number): number | null {
  if (run.started === null) return null;
  const end = run.finished ?? (run.status === "running" || run.status === "paused" ? now : run.changed);
  return end === null || end < run.started ? null : end - run.started;
}

/** The words of a cell. `cell` is what the engine said for the column; undefined while that is under way. */
export function shown(run: RunRow, id: string, cell: Cell | undefined, now: number): Shown {
  const column = columnOf(id);
  if (column.kind === "metric") return cell === undefined || cell === null ? NONE : metricCell(cell, column.stat.endsWith("_step") || column.stat === "count");
  if (column.kind === "config") return cell === undefined || cell === null ? NONE : plain(setting(cell));
  const time = (at: number | null): Shown => (at === null ? NONE : { text: when(at, now), tip: fullTime(at) });
  switch (id) {
    case "name":
      return plain(run.name);
    case "project":
      return plain(run.project);
    case "group":
      return plain(run.group);
    case "format":
      return plain(run.label);
    case "notes":
      return plain(run.notes.replace(/\s+/g, " "));
    case "started":
      return time(run.started);
    case "finished":
      return time(run.finished);
    case "changed":
      return time(run.changed);
    case "duration": {
      const took = durationOf(run, now);
      return took === null ? NONE : { text: elapsed(took), tip: "" };
    }
    case "steps":
      return run.steps === null ? NONE : { text: step(run.steps), tip: run.total_steps === null ? "" : `of ${step(run.total_steps)}` };
    case "points":
      return { text: count(run.points), tip: "" };
    case "folder":
      return plain(run.folder);
    case "experiment":
      return plain(run.experiment);
    case "commit":
      return typeof cell === "string" ? { text: cell.slice(0, 8), tip: cell } : NONE;
    default:
      return cell === undefined || cell === null ? NONE : plain(String(cell));
  }
}

/** "4.2 MiB, 31 files": what a look has seen so far. */
export const sizeWords = (size: number): string => bytes(size);
