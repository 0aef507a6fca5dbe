// The words and shapes of an experiment's status.

import type { Experiment, FailureReason, Progress, Status } from "../bindings";
import { count, firstSentence, percent, step } from "./format";

export type Tone = "run" | "done" | "fail" | "wait" | "pause";
export type Section = "active" | "waiting" | "finished";

const WORDS: Record<Status, { word: string; tone: Tone; section: Section }> = {
  pending: { word: "Pending", tone: "wait", section: "waiting" },
  queued: { word: "Queued", tone: "wait", section: "waiting" },
  running: { word: "Running", tone: "run", section: "active" },
  paused: { word: "Paused", tone: "pause", section: "active" },
  completed: { word: "Completed", tone: "done", section: "finished" },
  failed: { word: "Failed", tone: "fail", section: "finished" },
  cancelled: { word: "Cancelled", tone: "wait", section: "finished" },
  expired: { word: "Expired", tone: "wait", section: "finished" },
};

export const statusWord = (status: Status): string => WORDS[status].word;
export const statusTone = (status: Status): Tone => WORDS[status].tone;
export const sectionOf = (status: Status): Section => WORDS[status].section;
export const isEnded = (status: Status): boolean => WORDS[status].section === "finished";

export type State = { word: string; tone: Tone; shape: Shape };
export type Shape = Status | "stopping" | "held" | "scheduled" | "retrying" | "stale" | "ended";

/**
 * How an experiment stands, in one word and one shape.
 *
 * What waits is told by what stands in its way: the user's hand before all, then a retry that is due later, then the
 * time, then another experiment.
 */
export function stateOf(it: Pick<Experiment, "status" | "cancelling" | "held" | "retry_at" | "not_before" | "window" | "waits_for">): State {
  if (it.cancelling) return { word: "Stopping", tone: "pause", shape: "stopping" };
  if (sectionOf(it.status) === "waiting") {
    if (it.held) return { word: "Held", tone: "pause", shape: "held" };
    if (it.status === "pending") {
      if (it.retry_at !== null) return { word: "Retrying", tone: "wait", shape: "retrying" };
      if (it.waits_for > 0) return { word: "Depends", tone: "wait", shape: "pending" };
      if (it.not_before !== null || it.window !== null) return { word: "Scheduled", tone: "wait", shape: "scheduled" };
    }
  }
  return { ...WORDS[it.status], shape: it.status };
}

/** When it is expected to start: "in about 2 h"; empty when that is not known. */
export function startsWords(it: Pick<Experiment, "estimated_start" | "not_before" | "retry_at" | "held">, now: number): string {
  if (it.held) return "";
  const at = it.estimated_start ?? it.retry_at ?? it.not_before;
  if (at === null) return "";
  const left = at - now;
  if (left < 60_000) return it.estimated_start === null ? "" : "soon";
  return `in about ${roughly(left)}`;
}

/** A duration as one would say it: "4 min", "2 h", "3 days". */
export function roughly(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  if (minutes < 10) return `${minutes} min`;
  if (minutes < 55) return `${Math.round(minutes / 5) * 5} min`;
  const hours = minutes / 60;
  if (hours < 4) return `${(Math.round(hours * 2) / 2).toString().replace(".5", "½").replace("0½", "½")} h`;
  if (hours < 36) return `${Math.round(hours)} h`;
  return `${Math.round(hours / 24)} days`;
}

/** How far it is, in words; null when nothing is known. */
export function progressWords(progress: Progress | null): string | null {
  if (progress === null) return null;
  if (progress.unit !== "percent" && progress.current !== null) {
    const total = progress.total === null ? "" : ` of ${step(progress.total)}`;
    return `${progress.unit} ${step(progress.current)}${total}`;
  }
  return progress.fraction === null ? null : percent(progress.fraction * 100);
}

/** What a finished experiment came to, in one line. */
export function outcomeWords(experiment: Experiment): string {
  if (experiment.failure !== null) return firstSentence(experiment.failure.message);
  if (experiment.status === "expired") return "Its time to start passed";
  if (experiment.status === "cancelled") return experiment.started_at === null ? "Cancelled before it started" : "";
  return "";
}

export const REASONS: Record<FailureReason, string> = {
  exit_code: "Failed",
  signal: "Ended by a signal",
  time_limit: "Stopped at its time limit",
  out_of_memory: "Out of memory",
  could_not_start: "Could not be started",
  lost: "Lost",
  dependency_failed: "Not started",
  disk_full: "Disk full",
};

/** What may be tried again, as a choice. */
export const RETRIED: [FailureReason, string][] = [
  ["exit_code", "Exit code"],
  ["signal", "Signal"],
  ["out_of_memory", "Out of memory"],
  ["could_not_start", "Could not start"],
  ["lost", "Lost"],
  ["time_limit", "Time limit"],
  ["disk_full", "Disk full"],
];

/** What kind of failure it was; the message says the rest. */
export const failureTitle = (reason: FailureReason): string => REASONS[reason];

/** "1 running · 2 waiting" */
export function queueWords(running: number, waiting: number): string {
  return `${count(running)} running · ${count(waiting)} waiting`;
}
