// What the window stands on: commands, pushes and the few things that only a desktop shell can do.
//
// Everything above this folder is written against `Host` and knows neither Tauri nor HTTP. `tauri.ts` is the only
// module of the page that imports @tauri-apps; `bridge.ts` does the same over a loopback address, so that the page
// also runs in a plain browser.

import type { ApiError, Commands, ErrorCode, Push } from "../bindings";
import type { Saved } from "../log/source";

export type Method = keyof Commands;
export type Input<M extends Method> = Commands[M]["input"];
export type Output<M extends Method> = Commands[M]["output"];

/** Where a notification or the tray wants the window to go. */
export type Navigation = { to: "experiment" | "log"; uid: string } | { to: "overview" | "queue" | "devices" | "settings" | "notifications" | "new" };

export interface Host {
  /** Calls a command; rejects with a `CallError` and nothing else. */
  call<M extends Method>(method: M, input: Input<M>): Promise<Output<M>>;
  /** Hands over every push from now on. Resolves once none can be missed any more. */
  listen(onPush: (push: Push) => void, onConnection: (connected: boolean) => void): Promise<() => void>;
  /** Whether there is a native folder dialog, and folders can be opened in the file manager. */
  readonly desktop: boolean;
  /** Asks for a folder; null when the user thought better of it. */
  pickFolder(): Promise<string | null>;
  /**
   * Saves a text, or the bytes that it is in base64, as a file under a name of this kind; says where it is, or null when
   * the user thought better of it.
   */
  saveText(name: string, text: string, base64?: boolean): Promise<string | null>;
  /**
   * Saves a log as a file, piece by piece, never the whole in memory; `told` hears how much is written. Says where it is,
   * or null when the user thought better of it.
   */
  saveLog(saved: Saved, told: (bytes: number) => void, stop: AbortSignal): Promise<string | null>;
  /** Opens a folder that the engine named in the file manager. */
  openPath(path: string): Promise<void>;
  /**
   * Calls back with the paths that are over the window, none when they have left, and with those that are dropped on it;
   * absent where paths are not told.
   */
  onFolders?(drop: (paths: string[]) => void, over: (paths: string[]) => void): () => void;
  /** Calls back when something outside the page asks it to show a place. */
  onNavigate(go: (navigation: Navigation) => void): Promise<() => void>;
  /** Which experiment is open: it needs no notification while the window has the focus. */
  lookingAt(uid: string | null): void;
  /** The page is drawn: the shell may show the window. */
  ready(): void;
}

/** A command that failed, in the engine's words. */
export class CallError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly field: string | undefined;

  constructor(error: ApiError) {
    super(error.message);
    this.name = "CallError";
    this.code = error.code;
    this.hint = error.hint;
    this.field = error.field;
  }

  /** Whatever was thrown, as a `CallError`. */
  static from(thrown: unknown): CallError {
    if (thrown instanceof CallError) return thrown;
    if (isApiError(thrown)) return new CallError(thrown);
    return new CallError({ code: "internal", message: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}

export function isApiError(value: unknown): value is ApiError {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as ApiError).code === "string" &&
    typeof (value as ApiError).message === "string"
  );
}
