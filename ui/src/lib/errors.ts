// The one table from error codes to words. Nothing in the window matches on an error's message.

import type { ErrorCode } from "./bindings";
import { CallError } from "./host/host";

type Words = { title: string; next: string };

const WORDS: Record<ErrorCode, Words> = {
  invalid_input: { title: "This is not quite right", next: "Change what is marked and try again." },
  not_found: { title: "It is not there any more", next: "It may have been removed. Go back to the queue and look again." },
  illegal_transition: { title: "Its state does not allow this", next: "Look at its present state, then decide again." },
  dependency_cycle: { title: "They would wait for each other", next: "Take one of the dependencies out." },
  impossible: { title: "No GPU or machine here can do this", next: "Ask for less, or for what there is." },
  conflict: { title: "It was changed elsewhere", next: "Look at it as it is now, then change it again." },
  needs_agreement: { title: "So many have to be agreed to", next: "Look at how many there would be, then agree or make it smaller." },
  path: { title: "A file or folder could not be used", next: "Check that it exists and that you may read and enter it." },
  disk_full: { title: "The disk is full", next: "Free some space; nothing that was recorded is lost." },
  engine_busy: { title: "Another engine owns the data folder", next: "Close the other one, then try again." },
  engine_gone: { title: "The engine does not answer", next: "Running jobs go on. The window reconnects by itself." },
  newer_database: { title: "The data is from a newer version", next: "Update Athanor, then open it again." },
  protocol: { title: "The window and the engine do not match", next: "Restart Athanor so that both have the same version." },
  forbidden: { title: "This is not allowed", next: "Open the window again from the program or with a fresh address." },
  internal: { title: "Something went wrong", next: "Try again. The program's log says more; its path stands in Settings." },
};

export type Problem = { code: ErrorCode; title: string; message: string; next: string; field: string | undefined };

/** The engine's messages go on after a colon on the command line; here they stand for themselves. A name or a path stays as it is. */
const sentence = (message: string): string => (/^[a-z’]+ /.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message);

/** A failed call as it is shown: title, what happened, and the next step. */
export function problemOf(thrown: unknown): Problem {
  const error = CallError.from(thrown);
  const words = WORDS[error.code] ?? WORDS.internal;
  return { code: error.code, title: words.title, message: sentence(error.message), next: error.hint ?? words.next, field: error.field };
}
