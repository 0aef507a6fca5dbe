// How a run stands, in one word and one shape; what it means stands in the tooltip.

import type { RunRow, RunStatus } from "../bindings";
import type { State } from "../util/status";
import { classOf } from "../util/colour";

const STATES: Record<RunStatus, State> = {
  running: { word: "Running", tone: "run", shape: "running" },
  paused: { word: "Paused", tone: "pause", shape: "paused" },
  stale: { word: "Stale", tone: "pause", shape: "stale" },
  completed: { word: "Completed", tone: "done", shape: "completed" },
  failed: { word: "Failed", tone: "fail", shape: "failed" },
  cancelled: { word: "Cancelled", tone: "wait", shape: "cancelled" },
  ended: { word: "Ended", tone: "wait", shape: "ended" },
};

const MEANS: Record<RunStatus, string> = {
  running: "Its files change.",
  paused: "Its job is paused.",
  stale: "Its files have not changed for a while and do not say that it ended.",
  completed: "",
  failed: "",
  cancelled: "",
  ended: "It ended; its files do not say how.",
};

export const runState = (run: Pick<RunRow, "status">): State => STATES[run.status];

export const runStateWords = (status: RunStatus): string => STATES[status].word;

export const runStateTip = (run: Pick<RunRow, "status" | "missing">): string => (run.missing ? "Its files are gone; what was read of them is kept." : MEANS[run.status]);

/** The class of the palette's colour that a run keeps. */
export const colourClass = (run: Pick<RunRow, "colour">): string => classOf(run.colour);
