import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test } from "vitest";

import Frame from "../../tests/fake/Frame.svelte";
import { FakeEngine } from "../../tests/fake/engine";
import { aRun, FakeRuns } from "../../tests/fake/runs";
import { CallError } from "../lib/host/host";
import { App } from "../lib/state/app.svelte";

let engine: FakeEngine;
let runs: FakeRuns;
let app: App;

beforeEach(() => {
  window.localStorage.clear();
  window.location.hash = "#/runs";
  engine = new FakeEngine();
  runs = new FakeRuns(engine);
  app = new App(engine);
});
afterEach(() => {
  cleanup();
  app.stop();
});

async function show() {
  await app.start();
  render(Frame, { app, view: "runs" });
}

const query = () => screen.getByRole<HTMLInputElement>("combobox", { name: "Query over all runs" });
async function type(text: string) {
  query().focus();
  query().value = text;
  query().setSelectionRange(text.length, text.length);
  await fireEvent.input(query());
}

test("at first a folder is asked for; one that is typed or dropped is watched", async () => {
  await show();
  await screen.findByText("Every run on disk, in one table");
  await fireEvent.input(screen.getByLabelText("Folder", { selector: "input" }), { target: { value: "~/runs" } });
  await waitFor(() => expect(screen.getByRole<HTMLButtonElement>("button", { name: "Add folder" }).disabled).toBe(false));
  await fireEvent.click(screen.getByRole("button", { name: "Add folder" }));
  await screen.findByText(/Looking through \/home\/user\/runs/);
  expect(engine.last("watch.add")).toEqual({ path: "/home/user/runs" });
  engine.drop(["/data/a", "/data/b"]);
  await waitFor(() => expect(runs.folders.map((it) => it.path)).toEqual(["/home/user/runs", "/data/a", "/data/b"]));
  await screen.findByText(/Looking through 3 folders/);
});

test("what is dragged over the window is named; of several that are dropped each is told apart", async () => {
  engine.answers["watch.add"] = (input) => {
    const { path } = input as { path: string };
    if (path === "/data/b") throw new CallError({ code: "invalid_input", message: "/data/b is watched already", field: "path" });
    return { folders: [] };
  };
  await show();
  await screen.findByText("Every run on disk, in one table");
  engine.over(["/data/a"]);
  await screen.findByText("Watch “a” for runs");
  engine.over(["/data/a", "/data/b"]);
  await screen.findByText("Watch 2 folders for runs");
  engine.over([]);
  await waitFor(() => expect(screen.queryByText(/Watch .* for runs/)).toBeNull());
  engine.drop(["/data/a", "/data/b"]);
  await waitFor(() => expect(app.toasts.list).toMatchObject([{ title: "Watching /data/a", text: "/data/b is watched already.", bad: true }]));
});

test("a folder that is refused says why beside the field", async () => {
  engine.answers["watch.add"] = () => {
    throw new CallError({ code: "invalid_input", message: "It lies in a folder that is watched already." });
  };
  await show();
  await screen.findByText("Every run on disk, in one table");
  await fireEvent.input(screen.getByLabelText("Folder", { selector: "input" }), { target: { value: "/data/runs" } });
  await waitFor(() => expect(screen.getByRole<HTMLButtonElement>("button", { name: "Add folder" }).disabled).toBe(false));
  await fireEvent.click(screen.getByRole("button", { name: "Add folder" }));
  await screen.findByText("It lies in a folder that is watched already.");
});

test("a query is completed by keys, and applied only when it holds", async () => {
  runs.runs = [aRun("one", { name: "one" }, { lr: 1 }), aRun("two", { name: "two", status: "failed" }, { lr: 2 })];
  await show();
  await screen.findByText("2");
  await type("config.l");
  const list = await screen.findByRole("listbox", { name: "Suggestions" });
  await waitFor(() => expect(within(list).getAllByRole("option").length).toBeGreaterThan(0));
  await fireEvent.keyDown(query(), { key: "ArrowDown" });
  await fireEvent.keyDown(query(), { key: "Tab" });
  expect(query().value).toBe("config.lr");
  await type("config.lr = 2");
  await waitFor(() => expect(app.runs.table.look.query).toBe("config.lr = 2"));
  await screen.findByText("1 of 2");
  await type("statu = 3");
  await fireEvent.keyDown(query(), { key: "Escape" });
  await screen.findByText("There is no field “statu”. Did you mean “status”?");
  expect([app.runs.table.look.query, query().getAttribute("aria-invalid")]).toEqual(["config.lr = 2", "true"]);
  await fireEvent.click(screen.getByRole("button", { name: "Clear the query" }));
  await waitFor(() => expect([app.runs.table.look.query, app.runs.table.list.total]).toEqual(["", 2]));
});

test("files are deleted only once the run's name was typed", async () => {
  runs.runs = [aRun("one", { name: "one" })];
  await show();
  await screen.findByText("1");
  app.sheet = { kind: "runs", what: "files", run: { ...runs.get("one").row, cells: [] } };
  const field = await screen.findByLabelText(/type the run's name/);
  const button = screen.getByRole<HTMLButtonElement>("button", { name: "Move to the trash" });
  expect(button.disabled).toBe(true);
  await fireEvent.input(field, { target: { value: "on" } });
  expect(button.disabled).toBe(true);
  await fireEvent.input(field, { target: { value: "one" } });
  expect(button.disabled).toBe(false);
  await fireEvent.submit(field.closest("form") as HTMLFormElement);
  await waitFor(() => expect(engine.last("runs.remove")).toEqual({ uids: ["one"], files: { confirm: "one" } }));
  await waitFor(() => expect(app.sheet).toBeNull());
});
