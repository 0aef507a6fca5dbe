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

const REASONS: Record<FailureReason, string> = {
  exit_code: "Failed",
  signal: "Ended by a signal",
  time_limit: "Stopped at its time limit",
  out_of_memory: "Out of memory",
  could_not_start: "Could not be started",
  lost: "Lost",
  dependency_failed: "Not started",
  disk_full: "Disk full",
};

/** What kind of failure it was; the message says the rest. */
export const failureTitle = (reason: FailureReason): string => REASONS[reason];

/** "1 running · 2 waiting" */
export function queueWords(running: number, waiting: number): string {
  return `${count(running)} running · ${count(waiting)} waiting`;
}
