// The queue worked with: moved, grouped, swept, edited, looked at on the timeline.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axe, closeBrowser, type Engine, openWindow, queue, shot, startEngine, until, type Window } from "./harness";

let engine: Engine;
let window: Window;
let page: Page;
beforeAll(async () => {
  engine = await startEngine(1);
  await mkdir(join(engine.work, "configs"));
  await writeFile(join(engine.work, "configs/base.yaml"), "optim:\n  lr: 3e-4\nseed: 1\n");
  await queue(engine, "holds the slot", "sleep 600");
  for (const name of ["alpha", "beta", "gamma", "delta"]) await queue(engine, name, "true");
});
afterAll(async () => {
  await window?.context.close();
  await engine.stop();
  await closeBrowser();
});

const rows = () => page.locator("[role=row] .name").allInnerTexts();
const waiting = async () => (await engine.call("experiments.list", { section: "waiting", limit: 100, ungrouped: true })).experiments.map((it) => it.name);
const row = (name: string) => page.locator("[data-uid]", { has: page.locator(".name", { hasText: new RegExp(`^${name}$`) }) });
const menuItem = (name: string | RegExp) => page.getByRole("menuitem", { name });

async function fresh(hash = "#/queue", look: object = {}) {
  window = await openWindow(engine, { url: `${engine.url}${hash}`, ...look });
  page = window.page;
  if (hash === "#/queue") await page.getByRole("grid").waitFor();
}

test("waiting rows are dragged, and moved by keys", async () => {
  await fresh();
  await row("delta").waitFor();
  const from = (await row("delta").boundingBox())!;
  const to = (await row("alpha").boundingBox())!;
  await page.mouse.move(from.x + 200, from.y + 15);
  await page.mouse.down();
  await page.mouse.move(from.x + 210, from.y, { steps: 4 });
  await page.mouse.move(to.x + 210, to.y + 2, { steps: 6 });
  await page.locator(".drop").waitFor();
  await page.locator(".carried", { hasText: "delta" }).waitFor();
  await shot(page, "queue-drag");
  // Esc puts it back, and the click that ends it opens nothing.
  await page.keyboard.press("Escape");
  await page.mouse.up();
  expect(await page.locator(".carried").count()).toBe(0);
  expect(await waiting()).toEqual(["alpha", "beta", "gamma", "delta"]);

  await page.mouse.move(from.x + 200, from.y + 15);
  await page.mouse.down();
  await page.mouse.move(to.x + 210, to.y + 2, { steps: 8 });
  await page.mouse.up();
  await until("delta is first", async () => (await waiting()).join() === "delta,alpha,beta,gamma");
  await until("and shown so", async () => (await rows()).join() === "holds the slot,delta,alpha,beta,gamma");
  expect(page.url()).not.toContain("job=");

  await row("alpha").click({ modifiers: ["Control"] });
  await row("gamma").click({ modifiers: ["Control"] });
  await page.getByText("2 selected").waitFor();
  await page.getByRole("grid").focus();
  await page.keyboard.press("Alt+Home");
  await until("both are at the top", async () => (await waiting()).join() === "alpha,gamma,delta,beta");
  await page.keyboard.press("Alt+ArrowDown");
  await until("one down, together", async () => (await waiting()).join() === "delta,alpha,gamma,beta");
  await page.keyboard.press("Alt+ArrowUp");
  await until("and up again", async () => (await waiting()).join() === "alpha,gamma,delta,beta");
  await window.close();
});

test("several are acted on together, and one toast says what became of them", async () => {
  await fresh();
  await row("alpha").click({ modifiers: ["Control"] });
  await row("beta").click({ modifiers: ["Control"] });
  const bar = page.getByRole("toolbar");
  expect(await bar.getByRole("button", { name: /^Archive/ }).isDisabled()).toBe(true);
  await bar.getByRole("button", { name: "Hold" }).click();
  await page.getByRole("status").getByText("Held 2 experiments").waitFor();
  await until("the rows say so", async () => (await row("alpha").innerText()).startsWith("Held") && (await row("beta").innerText()).startsWith("Held"));
  await bar.getByRole("button", { name: /^Priority/ }).click();
  await page.getByRole("menuitemradio", { name: "High" }).click();
  await until("both are high", async () => (await engine.call("experiments.list", { section: "waiting", limit: 9 })).experiments.filter((it) => it.priority === "high").length === 2);
  await page.getByRole("grid").focus();
  await page.keyboard.press("p");
  await page.getByRole("status").getByText("Resumed 2 experiments").waitFor();
  await bar.getByRole("button", { name: /^Add to group/ }).click();
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("Group", { exact: true }).fill("greek");
  await sheet.getByText("A new group is made.").waitFor();
  await sheet.getByRole("button", { name: "Add to group" }).click();
  const group = page.locator("[data-group=greek]");
  await group.waitFor();
  await until("they left the list", async () => (await row("alpha").count()) === 0);
  expect(await axe(page), "with a selection").toEqual([]);
  await page.keyboard.press("Escape");

  await group.locator("[data-fold]").click();
  await row("alpha").waitFor();
  await shot(page, "queue-group");
  await group.getByRole("button", { name: "no limit" }).click();
  await page.getByLabel("Members of greek at once").fill("1");
  await page.keyboard.press("Enter");
  await until("it has a limit", async () => (await engine.call("groups.list", {})).groups[0]?.parallel === 1);
  await group.getByText("1 at once").waitFor();
  await group.click({ button: "right" });
  await menuItem("Cancel all").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Cancel 2" }).click();
  await page.getByRole("status").getByText("Cancelled 2 experiments").waitFor();
  await group.getByText(/0 of 2 done/).waitFor();

  await row("alpha").click({ button: "right" });
  await menuItem(/^Delete/).click();
  await page.getByRole("alertdialog").getByText(/logs and the metrics/).waitFor();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete experiment" }).click();
  await until("it is gone", async () => (await row("alpha").count()) === 0);
  // The list is read anew just now: the row may move under the pointer once more.
  await until("beta can be put away", async () => {
    await page.keyboard.press("Escape");
    await row("beta").click({ button: "right" });
    return (await menuItem("Archive").count()) > 0;
  });
  await menuItem("Archive").click();
  await page.getByRole("status").getByText("Archived beta").waitFor();
  await until("the group has no members left to show", async () => (await group.count()) === 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await group.waitFor();
  await window.close();
});

test("members of an open group are dragged within it, and several are changed in one call", async () => {
  for (const name of ["first", "second", "third"]) await queue(engine, name, "true", { group: "letters" });
  await fresh();
  const group = page.locator("[data-group=letters]");
  await group.locator("[data-fold]").click();
  await row("third").waitFor();
  const members = async () => (await engine.call("experiments.list", { section: "waiting", group: "letters", limit: 9 })).experiments.map((it) => it.name).join();
  const grab = async (name: string, to: string, below: boolean) => {
    const from = (await row(name).boundingBox())!;
    const there = (await row(to).boundingBox())!;
    await page.mouse.move(from.x + 200, from.y + 15);
    await page.mouse.down();
    await page.mouse.move(from.x + 210, from.y + 8, { steps: 3 });
    await page.mouse.move(there.x + 210, there.y + (below ? 28 : 2), { steps: 6 });
  };
  await grab("third", "first", false);
  await page.locator(".drop").waitFor();
  await page.locator(".carried", { hasText: "to place 1 of its group" }).waitFor();
  await shot(page, "queue-group-drag");
  await page.mouse.up();
  await until("the third is first", async () => (await members()) === "third,first,second");
  await until("and shown so", async () => (await page.locator(".row.member .name").allInnerTexts()).join() === "third,first,second");
  await grab("third", "second", true);
  await page.mouse.up();
  await until("and last again", async () => (await members()) === "first,second,third");
  expect(page.url()).not.toContain("job=");

  // Far above the group, it goes no further than its first place.
  await grab("second", "gamma", false);
  await page.mouse.move(400, 140);
  await page.locator(".carried", { hasText: "to place" }).waitFor();
  await page.keyboard.press("Escape");
  await page.mouse.up();
  expect(await members()).toBe("first,second,third");

  await row("first").click({ modifiers: ["Control"] });
  await row("third").click({ modifiers: ["Control"] });
  const asked: string[] = [];
  page.on("request", (it) => asked.push(new URL(it.url()).pathname));
  await page.getByRole("toolbar").getByRole("button", { name: /^Priority/ }).click();
  await page.getByRole("menuitemradio", { name: "Urgent" }).click();
  await until("both are urgent", async () => (await members()) === "first,third,second");
  expect(asked.filter((it) => it.includes("experiments.edit"))).toEqual(["/rpc/experiments.edit_many"]);
  await page.keyboard.press("Escape");
  await window.close();
});

test("a sweep over an edited config, with what it needs and when it may start", async () => {
  await fresh();
  await page.keyboard.press("n");
  const sheet = page.getByRole("dialog", { name: "New experiment" });
  await sheet.getByLabel("Folder", { exact: true }).fill(engine.work);
  await sheet.getByLabel("Command").fill("python3 train.py --config configs/base.yaml");
  await sheet.getByLabel("Name", { exact: true }).fill("swept");
  await sheet.getByRole("button", { name: /^Config/ }).click();
  await sheet.getByRole("button", { name: "configs/base.yaml" }).click();
  const text = sheet.locator(".cm-content");
  await text.getByText("3e-4").waitFor();
  await text.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("bad: [1");
  await sheet.getByRole("alert").getByText(/^Line \d/).waitFor();
  await sheet.locator(".cm-lint-marker-error").waitFor();
  await shot(page, "sheet-config");
  expect(await axe(page), "with the editor").toEqual([]);
  await page.keyboard.type(", 2]");
  await until("the problem is gone", async () => (await sheet.getByRole("alert").count()) === 0);

  await sheet.getByRole("button", { name: /^Sweep/ }).click();
  await sheet.getByRole("button", { name: "Key", exact: true }).click();
  await sheet.getByLabel("Key 1", { exact: true }).fill("optim.lr");
  await sheet.getByLabel("Values of key 1").fill("1e-3, 3e-4, 1e-4");
  await sheet.getByRole("button", { name: "Key", exact: true }).click();
  await sheet.getByLabel("Key 2", { exact: true }).fill("seed");
  await sheet.getByLabel("Values of key 2").fill("1 2");
  await sheet.getByText("6 experiments", { exact: true }).waitFor();
  await sheet.getByLabel("How many at once").fill("2");

  await sheet.getByRole("button", { name: /^Needs/ }).click();
  await sheet.getByLabel("GPUs", { exact: true }).fill("64");
  await sheet.locator(".verdict.never").waitFor();
  await sheet.getByLabel("GPUs", { exact: true }).fill("");
  await sheet.getByLabel("Machine").fill("1");
  await sheet.locator(".verdict.yes").waitFor();

  await sheet.getByRole("button", { name: /^Start/ }).click();
  await sheet.getByLabel("After", { exact: true }).fill("holds");
  await sheet.getByRole("option", { name: /holds the slot/ }).waitFor();
  await page.keyboard.press("Enter");
  await sheet.getByText("after holds the slot").waitFor();
  await shot(page, "sheet-sweep");
  expect(await axe(page), "with all parts open").toEqual([]);
  await page.keyboard.press("Control+Enter");
  await sheet.waitFor({ state: "detached" });

  const { groups } = await engine.call("groups.list", {});
  const made = groups.find((it) => it.sweep !== null)!;
  expect(made).toMatchObject({ parallel: 2, counts: { pending: 6 } });
  const group = page.locator(`[data-group="${made.name}"]`);
  await group.getByText("optim.lr × 3, seed × 2").waitFor();
  await page.getByRole("grid").focus();
  await group.locator("[data-fold]").click();
  await page.locator(".subhead", { hasText: "optim.lr" }).waitFor();
  await until("each point has its values", async () => (await page.locator(".row.member .values", { hasText: "1e-3" }).count()) === 2);
  await shot(page, "queue-sweep");
  const { experiments } = await engine.call("experiments.list", { section: "waiting", group: made.name, limit: 10 });
  const detail = await engine.call("experiments.get", { uid: experiments[0]!.uid });
  expect(detail.config_text).toContain("bad: [1, 2]");
  expect(detail.after[0]).toMatchObject({ name: "holds the slot", standing: "open" });
  await window.close();
});

test("what waits is changed, a copy is queued, and the drawer leads on", async () => {
  const uid = await queue(engine, "to change", "true", { tags: ["one"] });
  const next = await queue(engine, "comes after", "true", { after: [{ uid }] });
  await fresh();
  await row("to change").click();
  const drawer = page.getByRole("complementary", { name: "Experiment to change" });
  await drawer.getByRole("tab", { name: "Details" }).click();
  await drawer.getByText("Others wait for it").waitFor();
  await drawer.getByRole("button", { name: "comes after" }).click();
  await page.getByRole("complementary", { name: "Experiment comes after" }).getByText("starts it when it succeeds").waitFor();
  await shot(page, "details");
  expect(await axe(page), "details").toEqual([]);
  await page.getByRole("grid").focus();
  await page.keyboard.press("Escape");

  await row("to change").click();
  await page.getByRole("grid").focus();
  await page.keyboard.press("e");
  const edit = page.getByRole("dialog", { name: "Change what waits" });
  await edit.getByLabel("Name", { exact: true }).fill("changed");
  await edit.getByRole("radio", { name: "Normal" }).press("ArrowLeft");
  await page.keyboard.press("Control+Enter");
  await edit.waitFor({ state: "detached" });
  const now = await engine.call("experiments.get", { uid });
  expect(now.experiment).toMatchObject({ name: "changed", priority: "high", tags: ["one"], command: "true" });
  await row("changed").waitFor();

  await page.getByRole("grid").focus();
  await page.keyboard.press("d");
  const copy = page.getByRole("dialog", { name: "Queue a copy" });
  await copy.getByLabel("Name", { exact: true }).fill("its copy");
  await copy.getByRole("button", { name: "Queue experiment" }).click();
  await copy.waitFor({ state: "detached" });
  await row("its copy").waitFor();
  await engine.call("experiments.cancel", { uids: [next] });
  await window.close();
});

test("the timeline shows who ran, is moved through by keys, and opens the drawer", async () => {
  const uid = await queue(engine, "urgent one", "true", { requirements: { cpu_cores: 1 }, priority: "urgent" });
  await until("it ran", async () => (await engine.call("experiments.get", { uid })).experiment.completed_at !== null);
  await fresh("#/queue/timeline");
  const timeline = page.getByRole("application");
  await timeline.waitFor();
  await page.getByRole("radio", { name: "6 h" }).click();
  await timeline.focus();
  await page.keyboard.press("ArrowUp");
  await until("a bar is current", async () => /from \w+/.test(await page.locator("[aria-live=polite].unseen").innerText()));
  for (let i = 0; i < 6; i += 1) await page.keyboard.press("+");
  await shot(page, "timeline");
  expect(await axe(page), "timeline").toEqual([]);
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: /^Experiment / }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("PageUp");
  await page.getByRole("button", { name: "To now" }).click();
  await page.getByRole("radio", { name: "List" }).click();
  await page.getByRole("grid").waitFor();
  await window.close();
});

test("jobs go out as text and come in again", async () => {
  await fresh();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("export what");
  await page.getByRole("option", { name: "Export what waits" }).waitFor();
  await page.keyboard.press("Enter");
  const out = page.getByRole("dialog", { name: /^Export/ });
  await out.getByLabel("The jobs").waitFor();
  await shot(page, "export");
  await out.getByRole("button", { name: "Copy" }).click();
  await out.waitFor({ state: "detached" });
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toContain("gamma");

  await page.getByRole("button", { name: "More for the queue" }).click();
  await menuItem("Import jobs…").click();
  const sheet = page.getByRole("dialog", { name: "Import jobs" });
  await sheet.getByLabel("Folder", { exact: true }).last().fill(engine.work);
  await sheet.getByLabel("Jobs", { exact: true }).fill("not a job");
  await sheet.getByRole("alert").waitFor();
  await sheet.getByLabel("Jobs", { exact: true }).fill('{"name": "from text", "command": ["true"]}\n{"name": "and another", "command": "true"}\n');
  await sheet.getByText("2 experiments", { exact: true }).waitFor();
  await shot(page, "import");
  expect(await axe(page), "import").toEqual([]);
  await page.keyboard.press("Control+Enter");
  await sheet.waitFor({ state: "detached" });
  await row("from text").waitFor();

  // What has a key is queued once.
  await engine.call("experiments.add", { experiments: [{ name: "keyed", command: "true", cwd: engine.work, key: "k" }] });
  await page.getByRole("button", { name: "More for the queue" }).click();
  await menuItem("Import jobs…").click();
  await sheet.getByLabel("Folder", { exact: true }).last().fill(engine.work);
  await sheet.getByLabel("Jobs", { exact: true }).fill('{"name": "keyed", "command": "true", "key": "k"}\n{"name": "new one", "command": "true", "key": "n"}\n');
  await sheet.getByText("One more is there already under its key").waitFor();
  await shot(page, "import-existing");
  await sheet.getByRole("button", { name: "Queue 1 experiment" }).click();
  await page.getByRole("status").getByText("Queued new one; 1 was there already under its key").waitFor();
  await window.close();
});

test("limits, windows of the week and the clean-up", async () => {
  await fresh("#/settings");
  const idle = (await engine.call("settings.get", {})).ignore_idle_processes;
  await page.getByLabel("Jobs at once").fill("5");
  await page.getByLabel("Jobs at once").press("Enter");
  await page.getByRole("switch", { name: /idle processes/ }).click();
  await page.getByRole("button", { name: "Window", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("lunch");
  await page.getByRole("button", { name: "Sat" }).click();
  await page.getByLabel("From", { exact: true }).fill("12:30");
  await page.getByLabel("To", { exact: true }).fill("13:15");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("12:30 to 13:15").waitFor();
  await until("the limit is set", async () => (await engine.call("settings.get", {})).max_running === 5);
  const settings = await engine.call("settings.get", {});
  expect(settings).toMatchObject({ max_running: 5, ignore_idle_processes: !idle });
  expect(settings.windows.find((it) => it.name === "lunch")).toEqual({ name: "lunch", days: ["mon", "tue", "wed", "thu", "fri", "sat"], from: "12:30", to: "13:15" });
  await shot(page, "settings");
  expect(await axe(page), "settings").toEqual([]);
  await page.getByRole("button", { name: "Remove lunch" }).click();
  await until("it is gone", async () => !(await engine.call("settings.get", {})).windows.some((it) => it.name === "lunch"));
  await page.getByRole("button", { name: "Clean up…" }).click();
  const sheet = page.getByRole("dialog", { name: "Clean up" });
  await sheet.getByText("There is nothing to clean up").waitFor();
  await sheet.getByRole("button", { name: "Keep all" }).click();
  await page.getByLabel("Jobs at once").fill("");
  await page.getByLabel("Jobs at once").press("Enter");
  await until("without a limit again", async () => (await engine.call("settings.get", {})).max_running === null);
  await window.close();
});
