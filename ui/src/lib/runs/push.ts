// What the engine says of runs as it happens.

import type { Push } from "../bindings";

export type RunsUpdate = Extract<Push, { kind: "runs_update" }>;

/** What a push says of runs; null for any other. */
export const runsPush = (push: Push): RunsUpdate | null => (push.kind === "runs_update" ? push : null);
