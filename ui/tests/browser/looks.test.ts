// Every view in light and dark, small and large: readable, operable, and within the content security policy.

import { afterAll, beforeAll, expect, test } from "vitest";
import { axe, closeBrowser, ended, type Engine, openWindow, queue, shot, startEngine } from "./harness";

let engine: Engine;
let failed = "";
let running = "";
beforeAll(async () => {
  engine = await startEngine(2);
  const demo = await engine.call("projects.add_demo", {});
  await engine.call("projects.add", { folder: engine.work, name: "a project with a name that is rather long" });
  const quick = ["--epochs", "4"];
  await engine.call("experiments.add", {
    experiments: [
      { name: "digits quick", command: ["python3", "train.py", ...quick], cwd: demo.folder, project: demo.name, tags: ["baseline"] },
    ],
  });
  failed = await queue(engine, "a name that goes on for longer than any column would ever be wide enough to show", "printf '\\033[33mwarning\\033[0m\\n'; exit 7");
  await ended(engine, failed);
  const { experiments } = await engine.call("experiments.add", {
    experiments: [
      { name: "digits mlp wide", command: ["python3", "train.py", "--hidden", "96", "--epochs", "120"], cwd: demo.folder, project: demo.name },
      { name: "vit-s16 distill kd=0.7", command: "sleep 600", cwd: engine.work, project: "a project with a name that is rather long" },
      { name: "eval all seeds", command: "sleep 1", cwd: engine.work, priority: "high" },
      { name: "nightly retrain", command: "sleep 1", cwd: engine.work, priority: "low", tags: ["nightly"] },
    ],
  });
  running = experiments[0]!.uid;
  await new Promise((resolve) => setTimeout(resolve, 4_000));
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const SIZES = [
  [900, 600],
  [1440, 900],
  [2560, 1440],
] as const;

for (const dark of [false, true]) {
  for (const [width, height] of SIZES) {
    test(`${dark ? "dark" : "light"}, ${width}×${height}`, async () => {
      const window = await openWindow(engine, { dark, width, height });
      const { page } = window;
      const name = `${dark ? "dark" : "light"}-${width}`;
      const look = async (view: string) => {
        await page.waitForTimeout(400);
        await shot(page, `${name}-${view}`);
        expect(await axe(page), view).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wide, `${view} does not scroll sideways`).toBe(0);
      };
      const go = (hash: string) => page.evaluate((to) => (location.hash = to), hash);

      await page.locator("tr", { hasText: "digits quick" }).waitFor();
      await look("overview");
      await go("#/queue");
      await page.getByRole("grid").waitFor();
      await look("queue");
      await go("#/queue/timeline");
      await page.getByRole("application").waitFor();
      await look("timeline");
      await go("#/queue/activity");
      await page.getByRole("listbox").waitFor();
      await look("activity");
      await go(`#/queue?job=${running}`);
      await page.getByRole("log").waitFor();
      await look("log");
      await page.getByRole("tab", { name: "Metrics" }).click();
      await page.locator("article svg").first().waitFor();
      await look("metrics");
      await page.getByRole("tab", { name: "Details" }).click();
      await look("details");
      await page.getByRole("tab", { name: "History" }).click();
      await page.getByRole("list", { name: "History" }).waitFor();
      await look("history");
      await go(`#/queue?job=${failed}`);
      await page.locator(".failure").waitFor();
      await look("failure");
      await go("#/devices");
      await page.locator(".region svg").first().waitFor();
      await look("devices");
      await go("#/project/digits");
      await page.getByText("Start here").waitFor();
      await look("project");
      await go("#/settings");
      await page.getByLabel("Slots", { exact: true }).waitFor();
      await look("settings");
      await page.keyboard.press("s");
      await page.getByRole("dialog", { name: "Statistics" }).getByText("Mean wait").waitFor();
      await look("statistics");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("n");
      await page.getByRole("dialog", { name: "New experiment" }).waitFor();
      await look("new");
      for (const part of ["Needs", "Sweep", "Start", "Retry, limit"]) await page.getByRole("button", { name: new RegExp(`^${part}`) }).click();
      await page.getByRole("button", { name: "Key", exact: true }).click();
      await look("new-open");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("Control+k");
      await page.getByRole("option").first().waitFor();
      await look("palette");
      await window.close();
    });
  }
}
