import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeEngine } from "../../tests/fake/engine";
import LogFrame from "../../tests/fake/LogFrame.svelte";
import type { FileState } from "../lib/bindings";
import { CallError } from "../lib/host/host";
import { placeOf, rememberPlace, RunFile, type Saved } from "../lib/log/source";
import { App } from "../lib/state/app.svelte";

const LINES = 100_000;
/** Lines of ten bytes each. */
const text = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `${String(from + at).padStart(9, "0")}\n`).join("");

let engine: FakeEngine;
let app: App;
let size: number;
let slow: (() => void)[];

beforeEach(() => {
  engine = new FakeEngine();
  app = new App(engine);
  size = LINES * 10;
  slow = [];
  const state = (): FileState => ({ size, modified: 0, identity: 1, grows: true });
  engine.answers["files.follow"] = state;
  engine.answers["files.read"] = ({ offset, lines = 0, limit = 1_000_000 }) => {
    const start = offset ?? Math.max(0, size - lines * 10);
    const next = Math.min(size, start + Math.floor(limit / 10) * 10);
    return { text: text(start / 10, next / 10), start, next, state: state() };
  };
  // Half of the log a call; each waits to be let go on.
  engine.answers["files.seek"] = async ({ from = 0, lines = 0 }) => {
    await new Promise<void>((resolve) => slow.push(resolve));
    const passed = Math.min(lines, LINES / 2, (size - from) / 10);
    const next = from + passed * 10;
    return { offset: next, lines: passed, next, done: passed === lines || next === size };
  };
});
afterEach(() => {
  cleanup();
  app.stop();
  rememberPlace("file r1 train.log", null);
  vi.restoreAllMocks();
});

async function show() {
  await app.start();
  render(LogFrame, { app, source: new RunFile(app, "r1", "train.log") });
  await screen.findByRole("log");
}
async function goTo(place: string) {
  await fireEvent.keyDown(window, { key: "g", ctrlKey: true });
  const field = await screen.findByRole("textbox", { name: "Go to a line, a share or an offset" });
  await fireEvent.input(field, { target: { value: place } });
  await fireEvent.keyDown(field, { key: "Enter" });
  return field;
}
const reads = () => engine.asked.filter((it) => it.method === "files.read").map((it) => it.input as { offset?: number });

test("a line is gone to by its number, with how far it is; Escape ends it", async () => {
  await show();
  await goTo("75,001");
  await waitFor(() => expect(slow).toHaveLength(1));
  slow.shift()?.();
  await screen.findByText("Counting lines · 50 %");
  await waitFor(() => expect(slow).toHaveLength(1));
  slow.shift()?.();
  // What is loaded begins some way before the line.
  await waitFor(() => expect(reads().at(-1)?.offset).toBe(750_000 - 256 * 1024));
  await waitFor(() => expect(screen.queryByRole("textbox")).toBeNull());
  await screen.findByRole("button", { name: /Jump to end/ });

  const before = reads().length;
  await goTo("60000");
  await waitFor(() => expect(slow).toHaveLength(1));
  await fireEvent.keyDown(screen.getByRole("textbox"), { key: "Escape" });
  slow.shift()?.();
  await new Promise((resolve) => setTimeout(resolve));
  expect([slow.length, reads().length], "the counting was given up").toEqual([0, before]);
});

test("a share, an offset, the start; and what is none of these is said", async () => {
  await show();
  for (const [place, from] of [["40 %", 400_000 - 256 * 1024], ["@12", 0]] as const) {
    await goTo(place);
    await waitFor(() => expect(reads().at(-1)?.offset).toBe(from));
    await waitFor(() => expect(screen.queryByRole("textbox"), "it is done").toBeNull());
  }
  const field = await goTo("far away");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  await screen.findByText(/^A line \(120\), a share/);
  await goTo("500000");
  await waitFor(() => expect(slow).toHaveLength(1));
  slow.shift()?.();
  await waitFor(() => expect(slow).toHaveLength(1));
  slow.shift()?.();
  await screen.findByText("There are only 100,001 lines");
});

test("saving tells how far it is, can be stopped, and says where the file is", async () => {
  const asked: Saved[] = [];
  let told: ((bytes: number) => void) | undefined;
  let end: ((path: string | null) => void) | undefined;
  let stop: AbortSignal | undefined;
  engine.saveLog = vi.fn((saved: Saved, progress: (bytes: number) => void, signal: AbortSignal) => {
    asked.push(saved);
    told = progress;
    stop = signal;
    return new Promise<string | null>((resolve) => (end = resolve));
  }) as never;
  await show();
  const save = screen.getByRole("button", { name: "Save the log as a file" });
  await fireEvent.click(save);
  expect(asked[0]).toEqual({ name: "train.log", method: "files.read", params: { uid: "r1", path: "train.log", offset: 0 } });
  told?.(500_000);
  await screen.findByText(/^Saving · 488.* of 977/);
  await fireEvent.click(screen.getByRole("button", { name: "Stop saving" }));
  expect(stop?.aborted).toBe(true);
  end?.(null);
  await waitFor(() => expect(save.hasAttribute("disabled")).toBe(false));
  expect(app.toasts.list).toEqual([]);
  await fireEvent.click(save);
  end?.("/home/user/train.log");
  await waitFor(() => expect(app.toasts.list.at(-1)?.title).toBe("Saved as /home/user/train.log"));
});

test("who comes back finds their place, and who was at the end the end", async () => {
  rememberPlace("file r1 train.log", 300_000);
  await show();
  await waitFor(() => expect(reads().at(-1)?.offset).toBe(300_000 - 256 * 1024));
  await screen.findByRole("button", { name: /Jump to end/ });
  cleanup();
  expect(placeOf("file r1 train.log")).toBe(300_000);
  rememberPlace("file r1 train.log", null);
  render(LogFrame, { app, source: new RunFile(app, "r1", "train.log") });
  await screen.findByRole("log");
  cleanup();
  expect(placeOf("file r1 train.log")).toBe(null);
});

test("a file that is gone is said to be, with what to do", async () => {
  engine.answers["files.read"] = () => {
    throw new CallError({ code: "not_found", message: "could not open /runs/a/train.log: No such file or directory", hint: "It may have been moved or removed since it was listed." });
  };
  await app.start();
  render(LogFrame, { app, source: new RunFile(app, "r1", "train.log") });
  await screen.findByText(/Could not open \/runs\/a\/train.log/);
});
