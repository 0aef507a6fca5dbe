// Everything that the window does can be done without a pointer.

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, type Engine, openWindow, queue, shot, startEngine, until } from "./harness";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine(1);
  await queue(engine, "holds the slot", "sleep 600");
  for (const name of ["alpha", "beta", "gamma", "delta", "epsilon"]) await queue(engine, name, "true", { tags: [`tag-${name}`] });
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const names = async (page: import("playwright-core").Page) => page.locator("[role=row][aria-rowindex] .name").allInnerTexts();

test("filter, move, open, close, select, cancel", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("grid").or(page.getByRole("heading", { name: "Running" })).first().waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("grid").waitFor();
  await until("all are there", async () => (await names(page)).length === 6);

  await page.keyboard.press("/");
  await page.keyboard.type("tag-gam");
  await until("only gamma", async () => (await names(page)).join() === "gamma");
  await page.keyboard.press("Escape");
  await until("all again", async () => (await names(page)).length === 6);

  // The filter still has the focus: from it down into the list.
  await page.keyboard.press("ArrowDown");
  const current = () => page.evaluate(() => document.querySelector(`#${document.activeElement?.getAttribute("aria-activedescendant")} .name`)?.textContent?.trim());
  expect(await current()).toBe("holds the slot");
  await page.keyboard.press("j");
  expect(await current(), "over the head of the next section").toBe("alpha");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("k");
  expect(await current()).toBe("alpha");
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("complementary", { name: /^Experiment / });
  await drawer.getByRole("heading", { name: "alpha" }).waitFor();
  await page.keyboard.press("j");
  await drawer.getByRole("heading", { name: "beta" }).waitFor();
  await page.keyboard.press("]");
  await page.getByRole("tab", { name: "Metrics", selected: true }).waitFor();
  await page.keyboard.press("[");
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });

  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("3 selected").waitFor();
  await shot(page, "selection");
  await page.keyboard.press("Delete");
  await page.getByText("Cancelled 3 experiments").waitFor();
  await until("they are in their place", async () => (await engine.call("queue.stats", {})).cancelled === 3);
  await page.getByRole("row", { name: /Cancelled.*gamma/ }).waitFor();
  await window.close();
});

test("the palette finds pages, actions and experiments", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("heading", { name: "Running" }).waitFor();
  await page.keyboard.press("Control+k");
  const input = page.getByRole("combobox");
  await input.waitFor();
  await page.keyboard.type("epsil");
  await page.getByRole("option", { name: /epsilon/ }).waitFor();
  await shot(page, "palette-found");
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Experiment epsilon" }).waitFor();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("settings");
  await page.getByRole("option", { name: "Settings" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings" }).waitFor();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("nothing has this name");
  await page.getByText(/Nothing is called/).waitFor();
  await page.keyboard.press("Escape");
  await input.waitFor({ state: "detached" });

  await page.keyboard.press("Control+k");
  await page.keyboard.type("pause queue");
  await page.getByRole("option", { name: "Pause queue" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Resume queue" }).waitFor();
  await page.getByRole("button", { name: "Resume queue" }).click();
  await page.getByRole("button", { name: "Pause queue" }).waitFor();
  await window.close();
});

test("a new experiment by hand", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("heading", { name: "Running" }).waitFor();
  await page.keyboard.press("n");
  const sheet = page.getByRole("dialog", { name: "New experiment" });
  await sheet.waitFor();
  await page.keyboard.press("Control+Enter");
  await sheet.getByText("Say what to run.").waitFor();
  await sheet.getByText("Choose a folder.").waitFor();
  await sheet.getByLabel("Folder", { exact: true }).fill(engine.work);
  await sheet.getByLabel("Command").fill("echo 'two words' | cat");
  await sheet.getByLabel("Arguments as the program gets them").getByText("two words").waitFor();
  await sheet.getByText(/only means something to a shell/).waitFor();
  await sheet.getByLabel("Run through the shell").check();
  await sheet.getByLabel("Name", { exact: true }).fill("by hand");
  await sheet.getByRole("radio", { name: "Normal" }).press("ArrowRight");
  for (const part of ["Retry, limit", "Environment", "Tags, notes"]) await sheet.getByRole("button", { name: new RegExp(`^${part}`) }).click();
  await sheet.getByLabel("Tags", { exact: true }).fill("one, two");
  await sheet.getByRole("textbox", { name: "Time limit" }).fill("90 min");
  await sheet.getByRole("button", { name: "Variable", exact: true }).click();
  await sheet.getByLabel("Name of variable 1").fill("GREETING");
  await sheet.getByLabel("Value of variable 1").fill("hello");
  await until("the folder was looked at", async () => (await sheet.locator(".says").first().innerText()).startsWith("It is there"));
  await page.keyboard.press("Control+Enter");
  await sheet.waitFor({ state: "detached" });
  const { experiments } = await engine.call("experiments.list", { section: "waiting", text: "by hand", limit: 5 });
  expect(experiments[0]).toMatchObject({ name: "by hand", command: "echo 'two words' | cat", priority: "low", tags: ["one", "two"] });
  const detail = await engine.call("experiments.get", { uid: experiments[0]!.uid });
  expect(detail.environment).toContainEqual({ name: "GREETING", value: "hello" });

  // What the engine refuses stands beside its field.
  await page.keyboard.press("n");
  await sheet.getByLabel("Folder", { exact: true }).fill(engine.work);
  await sheet.getByLabel("Command").fill("true");
  await sheet.getByRole("button", { name: /^Config/ }).click();
  await sheet.getByRole("combobox", { name: "Config" }).fill("not/there.yaml");
  await until("the folder was looked at", async () => (await sheet.locator(".says").first().innerText()).startsWith("It is there"));
  await page.keyboard.press("Control+Enter");
  await sheet.locator(".says.bad").waitFor();
  await shot(page, "refused");
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await shot(page, "keys");
  await page.keyboard.press("Escape");
  await window.close();
});

test("settings are kept", async () => {
  const window = await openWindow(engine);
  const { page } = window;
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "One more" }).click();
  await until("two slots", async () => (await engine.call("settings.get", {})).slots === 2);
  await page.getByRole("button", { name: "One fewer" }).click();
  await until("one slot", async () => (await engine.call("settings.get", {})).slots === 1);
  await page.getByRole("radio", { name: "Dark" }).click();
  await page.locator("html[data-theme=dark]").waitFor();
  await page.getByRole("radio", { name: "Dark" }).press("ArrowLeft");
  await page.locator("html[data-theme=light]").waitFor();
  await page.getByRole("switch", { name: "Show on the desktop" }).uncheck();
  await page.getByRole("radio", { name: /Quit Athanor/ }).check();
  await page.getByLabel("Log size").fill("32");
  await page.getByLabel("Log size").press("Enter");
  await until("all of it", async () => {
    const now = await engine.call("settings.get", {});
    return now.close_action === "quit" && !now.notify && now.log_limit === 32 * 1024 * 1024 && now.appearance === "light";
  });
  // Another window hears of it.
  await engine.call("settings.change", { slots: 3, appearance: "dark" });
  await page.locator("html[data-theme=dark]").waitFor();
  expect(await page.getByLabel("Slots", { exact: true }).inputValue()).toBe("3");
  await engine.call("settings.change", { slots: 1, appearance: "system", close_action: "tray", notify: true });
  await window.close();
});
