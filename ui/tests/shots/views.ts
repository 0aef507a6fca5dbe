// Every view of which there is a picture, in one list: a new view is one line here.

import type { Page } from "playwright-core";

export type View = {
  /** The picture's name. */
  name: string;
  /** Where it is, after the address's `#`. A name in braces becomes the uid of the experiment of that name. */
  at: string;
  /** What the picture waits for, as a selector. */
  ready: string;
  /** What else is done before the picture is taken. */
  then?: (page: Page) => Promise<void>;
  /** Of what the engine holds, see main.ts of the engine in memory. */
  query?: string;
  /** Over a real engine with the runs of a sweep, whose uids stand for `{sweep}`. */
  sweep?: true;
};

const tab = (name: string) => async (page: Page) => page.getByRole("tab", { name }).click();

export const VIEWS: readonly View[] = [
  { name: "overview", at: "/overview", ready: "article.card .spark path" },
  { name: "queue", at: "/queue", ready: "[role=row]" },
  { name: "timeline", at: "/queue/timeline", ready: "[role=application] canvas" },
  { name: "activity", at: "/queue/activity", ready: "[role=listbox]" },
  {
    name: "runs",
    at: "/runs",
    ready: "article .frame svg",
    then: async (page) => {
      await page.locator("[data-uid]").first().waitFor();
      await page.getByRole("grid", { name: "Runs" }).focus();
      await page.keyboard.press("Home");
      for (let turn = 0; turn < 3; turn += 1) await page.keyboard.press("Shift+ArrowDown");
    },
  },
  { name: "run", at: "/runs?run=r7k2m9qa1bc", ready: "aside article .frame svg" },
  {
    name: "charts",
    at: "/charts/vit-distill",
    ready: "[data-panel] .frame svg",
    then: (page) => page.getByRole("button", { name: "A chart for each metric" }).click(),
  },
  { name: "compare", at: "/runs/compare?runs={sweep}", ready: ".verdict tbody td", sweep: true },
  {
    name: "report",
    at: "/runs/compare?runs={sweep}",
    ready: "[role=dialog] figure",
    then: async (page) => {
      await page.locator(".verdict tbody td").first().waitFor();
      await page.keyboard.press("Control+p");
      await page.getByRole("dialog").locator("figure").first().waitFor();
      await page.getByRole("dialog").getByRole("textbox", { name: "Title" }).fill("Does distillation help?");
      await page.getByRole("dialog").getByRole("heading", { level: 1, name: "Does distillation help?" }).waitFor();
      // When it was made is no part of the picture.
      await page.getByRole("dialog").getByText(/^Made \d/).evaluate((it) => (it.textContent = it.textContent?.replace(/^Made .* UTC/, "Made 21 November 2026, 15:42 UTC") ?? ""));
    },
    sweep: true,
  },
  { name: "folders", at: "/runs/folders", ready: "article .bar", then: (page) => page.getByRole("button", { name: /could not be read/ }).click() },
  { name: "devices", at: "/devices", ready: ".region svg", then: (page) => page.getByRole("radio", { name: "24 h" }).click() },
  { name: "devices-fault", at: "/devices", ready: ".region svg", query: "machine=lost" },
  { name: "log", at: "/queue?job={vit-s16 distill kd=0.7}", ready: "[role=log]" },
  { name: "metrics", at: "/queue?job={vit-s16 distill kd=0.7}", ready: "article .frame svg", then: tab("Metrics") },
  { name: "details", at: "/queue?job={llama-lora rank 64}", ready: ".details", then: tab("Details") },
  { name: "attempt", at: "/devices?job={vit-s16 distill kd=0.7}", ready: ".courses svg", then: tab("Details") },
  { name: "failure", at: "/queue?job={llama-lora rank 128}", ready: ".failure" },
  { name: "project", at: "/project/vit-distill", ready: "h1" },
  { name: "new", at: "/queue", ready: "#new-command", then: (page) => page.keyboard.press("n") },
  { name: "statistics", at: "/queue", ready: "[role=dialog]", then: (page) => page.keyboard.press("s") },
  { name: "palette", at: "/overview", ready: "[role=option]", then: (page) => page.keyboard.press("Control+k") },
  {
    name: "notifications",
    at: "/queue",
    ready: ".notifications li",
    then: async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("b");
    },
  },
  { name: "settings", at: "/settings", ready: "#slots" },
];
