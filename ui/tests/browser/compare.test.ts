// Runs side by side, over a real engine: from the table to the verdict, the texts, the code and the surroundings.

import { execFileSync } from "node:child_process";
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { axe, closeBrowser, type Engine, openWindow, shot, startEngine, until } from "./harness";

let engine: Engine;
let repository = "";
const uids: Record<string, string> = {};

const git = (...words: string[]) => execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", ...words], { cwd: repository }).toString().trim();

type Given = { settings: Record<string, unknown>; losses: readonly number[]; commit?: string | undefined; metric?: string; log?: string; packages?: string };

async function aRun(name: string, { settings, losses, commit, metric = "val/loss", log, packages }: Given): Promise<string> {
  const at = join(repository, "runs", name);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, "hparams.yaml"), yaml(settings));
  await writeFile(join(at, "metrics.csv"), `step,${metric},${metric.replace("loss", "acc")},lr\n${losses.map((it, i) => `${i + 1},${it.toFixed(4)},${(1 - it / 3).toFixed(4)},${(0.01 / (i + 1)).toFixed(5)}`).join("\n")}\n`);
  await writeFile(join(at, "metadata.json"), JSON.stringify({ project: "distill", group: "sweep", run_id: name, status: "completed", name, ...(commit === undefined ? {} : { git_hash: commit }) }));
  if (log !== undefined) await writeFile(join(at, "train.log"), log);
  if (packages !== undefined) await writeFile(join(at, "requirements.txt"), packages);
  return at;
}

function yaml(settings: Record<string, unknown>, indent = ""): string {
  return Object.entries(settings).map(([key, value]) => (typeof value === "object" && value !== null ? `${indent}${key}:\n${yaml(value as Record<string, unknown>, `${indent}  `)}` : `${indent}${key}: ${String(value)}\n`)).join("");
}

const course = (best: number, rough: number) => Array.from({ length: 30 }, (_, i) => best + 2 * Math.exp(-i / 6) + rough * Math.sin(i * 7.3));

beforeAll(async () => {
  engine = await startEngine(1);
  repository = join(engine.work, "code");
  await mkdir(repository);
  git("init", "-q");
  await writeFile(join(repository, "train.py"), Array.from({ length: 30 }, (_, i) => `line_${i} = ${i}\n`).join(""));
  await writeFile(join(repository, "old.py"), "print('old')\n");
  await writeFile(join(repository, ".gitignore"), "runs/\n");
  git("add", "-A");
  git("commit", "-qm", "one");
  const first = git("rev-parse", "HEAD");
  await writeFile(join(repository, "train.py"), Array.from({ length: 30 }, (_, i) => (i === 12 ? "line_12 = loss(kd=0.7)\n" : `line_${i} = ${i}\n`)).join(""));
  await rm(join(repository, "old.py"));
  await writeFile(join(repository, "kd.py"), "def loss(kd):\n    return kd\n");
  git("add", "-A");
  git("commit", "-qm", "two");
  const second = git("rev-parse", "HEAD");

  for (const seed of [1, 2, 3, 4, 5]) {
    const spread = (seed * 37) % 11;
    await aRun(`plain ${seed}`, { settings: { lr: "1e-3", seed, model: { name: "vit_s16", depth: 12 }, epochs: 30, out_dir: `runs/plain${seed}` }, losses: course(0.61 + spread / 900, 0.004), commit: first, log: `plain ${seed}\nepoch 1\n`, packages: "torch==2.4.0\nnumpy==1.26.4\n" });
    await aRun(`distilled ${seed}`, { settings: { lr: 0.001, seed, model: { name: "vit_s16", depth: 12 }, epochs: 30, kd: 0.7, out_dir: `runs/distilled${seed}` }, losses: course(0.58 + spread / 700, 0.004), commit: second, log: `distilled ${seed}\nepoch 1\n`, packages: "torch==2.5.1\nnumpy==1.26.4\ntimm==1.0.9\n" });
  }
  const stranger = await aRun("stranger", { settings: { batch: 8 }, losses: [] });
  await writeFile(join(stranger, "metrics.csv"), "step,reward\n1,1\n2,3\n3,2\n");
  await aRun("huge", { settings: Object.fromEntries(Array.from({ length: 24_000 }, (_, i) => [`key_${i}`, i])), losses: [1, 0.9] });
  await aRun("gone", { settings: { lr: 0.5, seed: 1 }, losses: [3, 2] });
  await engine.call("watch.add", { path: join(repository, "runs") });
  await until("all is read", async () => {
    const { folders } = await engine.call("watch.list", {});
    return folders[0]?.looking === false && folders[0].runs === 13;
  });
  for (const row of (await engine.call("runs.list", { limit: 50 })).rows) uids[row.name] = row.uid;
  await rm(join(repository, "runs/gone"), { recursive: true });
}, 120_000);
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

const named = (...names: string[]) => names.map((name) => uids[name] ?? name).join(",");
const ten = () => [1, 2, 3, 4, 5].flatMap((seed) => [`plain ${seed}`, `distilled ${seed}`]);
const open = (runs: string, look: Parameters<typeof openWindow>[1] = {}) => openWindow(engine, { ...look, url: `${engine.url}#/runs/compare?runs=${runs}` });
const tab = (page: Page, name: RegExp | string) => page.getByRole("tab", { name }).click();
const head = (page: Page, name: string) => page.locator("thead").getByRole("button", { name });

test("runs are chosen in the table and laid side by side with the keyboard alone", async () => {
  const window = await openWindow(engine, { url: `${engine.url}#/runs` });
  const { page } = window;
  await page.locator("[data-uid]").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("name ~ distilled or name = \"plain 1\"");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await until("six runs match", async () => (await page.locator("[data-uid]").count()) === 6);
  await page.getByRole("grid", { name: "Runs" }).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("2 selected", { exact: true }).waitFor();
  await page.keyboard.press("v");
  await page.getByRole("heading", { level: 1, name: /Compare 2 runs/ }).waitFor();
  await page.getByRole("heading", { name: "Verdict" }).waitFor();
  // Another one by its name, then through the parts.
  await page.keyboard.press("a");
  await page.getByRole("combobox", { name: "Find a run by name or query" }).waitFor();
  await page.keyboard.press("Escape");
  await until("the focus is back", () => page.getByRole("button", { name: /^Add run/ }).evaluate((it) => it === document.activeElement));
  await page.keyboard.press("a");
  await page.getByRole("combobox", { name: "Find a run by name or query" }).waitFor();
  await page.keyboard.type("plain 2");
  await page.getByRole("option", { name: /plain 2/ }).waitFor();
  await page.keyboard.press("Enter");
  await head(page, "plain 2").waitFor();
  await page.keyboard.press("]");
  await page.getByRole("region", { name: "Settings" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("out_dir");
  await until("one setting", async () => (await page.locator("tbody tr").count()) === 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  // The menu of a run: taken out again.
  await head(page, "plain 2").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await head(page, "plain 2").waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("region", { name: "Settings" }).waitFor();
  expect(await page.locator("thead .head").count()).toBe(2);
  await page.keyboard.press("Escape");
  await page.getByRole("grid", { name: "Runs" }).waitFor();
  await window.close();
});

test("ten runs over five seeds are two groups, and the verdict says by how much", async () => {
  const window = await open(named(...ten()));
  const { page } = window;
  const said = page.locator(".said");
  await said.waitFor();
  expect(await said.textContent()).toMatch(/kd=0.7 is better than no kd by 0\.0\d+ \(\d\.\d %\), 95 % interval 0\.0\d+ to 0\.0\d+, 5 pairs by seed\./);
  await page.getByText("Not counted as a difference between groups: out_dir, seed.").waitFor();
  const means = page.getByRole("region", { name: "Means of the groups" });
  await means.getByText(/better by [\d.]+ %, paired/).first().waitFor();
  await shot(page, "compare-overview");
  // The other way round with another baseline.
  await head(page, "distilled 1").click();
  await page.getByRole("menuitemradio", { name: "Compare the others with it" }).or(page.getByRole("menuitem", { name: "Compare the others with it" })).click();
  await until("the verdict is turned", async () => /no kd is worse than kd=0.7/.test((await said.textContent()) ?? ""));
  expect(page.url()).toContain(`base=${uids["distilled 1"]}`);
  // Groups by something else: each seed is one.
  await page.getByRole("button", { name: "Settings but the seed" }).click();
  await page.getByRole("menuitemradio", { name: "seed", exact: true }).or(page.getByRole("menuitem", { name: "seed", exact: true })).click();
  await until("five groups", async () => (await means.locator("thead th").count()) === 6);
  await page.getByRole("button", { name: "seed", exact: true }).waitFor();
  await tab(page, /^Metrics/);
  await page.getByRole("button", { name: "Goal of lr: not known" }).click();
  await page.getByRole("button", { name: "Goal of lr: less is better" }).waitFor();
  expect(page.url()).toContain("min=lr");
  await page.getByRole("radio", { name: "Last" }).click();
  await until("the address says so", async () => page.url().includes("value=last"));
  await page.getByRole("button", { name: /Copy/ }).first().click();
  await page.getByText("Copied the comparison as Markdown").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/## Comparison of 10 runs[\s\S]*\| val\/loss ↓ \|/);
  await window.close();
});

test("settings are compared by type, texts by word, code by git, surroundings by what files say", async () => {
  const window = await open(named("plain 1", "distilled 1"));
  const { page } = window;
  await tab(page, /^Settings/);
  const settings = page.getByRole("region", { name: "Settings" });
  await settings.getByText("kd", { exact: true }).waitFor();
  // 1e-3 and 0.001 are the same; what differs is kd and the folder.
  expect(await settings.locator("tbody th").allTextContents()).toEqual(["kd", "out_dir"]);
  await settings.getByRole("img", { name: "added" }).waitFor();
  await page.getByRole("checkbox", { name: /Also the/ }).check();
  await settings.getByRole("button", { name: "model" }).click();
  await shot(page, "compare-settings");

  await tab(page, "Config");
  const diff = page.getByRole("region", { name: /What differs between/ });
  await diff.waitFor();
  await until("the changed words are marked", async () => (await diff.locator("mark").allTextContents()).includes("0.001"));
  await shot(page, "compare-config");
  await page.getByRole("radio", { name: "Unified" }).click();
  await until("in one column", async () => (await diff.locator("table.unified").count()) === 1);
  await page.getByRole("checkbox", { name: "All lines" }).check();
  await until("one part", async () => (await diff.locator(".hunk").count()) === 1);

  await tab(page, "Code");
  await page.getByRole("button", { name: /train\.py/ }).click();
  await page.getByRole("region", { name: "What differs in train.py" }).getByText("loss(kd=0.7)").waitFor();
  expect(await page.locator(".file .path").allTextContents()).toEqual(["kd.py", "old.py", "train.py"]);
  await shot(page, "compare-code");

  await tab(page, "Environment");
  const environment = page.getByRole("region", { name: "Environment" });
  await environment.getByText("2.5.1").waitFor();
  expect(await environment.getByText("numpy").count()).toBe(0);
  await environment.getByText("timm").waitFor();
  await shot(page, "compare-environment");

  await tab(page, "Logs");
  await page.getByRole("log").getByText("plain 1").waitFor();
  await page.getByRole("log").getByText("distilled 1").waitFor();
  await tab(page, "Curves");
  await page.locator("article svg").first().waitFor();
  await window.close();
});

test("runs with nothing in common, missing files and a huge config are told as what they are", async () => {
  const window = await open(named("stranger", "gone"));
  const { page } = window;
  await page.getByText(/Fewer than two of the groups have values|No metric is known/).waitFor();
  await tab(page, "Curves");
  await page.getByRole("heading", { name: "No metric in common" }).waitFor();
  await tab(page, "Config");
  await page.getByRole("heading", { name: "No config to lay beside the other" }).waitFor();
  expect(await page.locator(".empty").textContent()).toMatch(/gone/);
  await tab(page, "Code");
  await page.getByText(/says which commit its code was of/).waitFor();
  await tab(page, "Environment");
  await page.getByText(/No file of .* names packages/).waitFor();
  await window.close();

  const large = await open(named("plain 1", "huge"));
  await tab(large.page, /^Settings/);
  await large.page.getByRole("button", { name: "Show more" }).waitFor();
  expect(await large.page.locator("tbody tr").count()).toBe(400);
  await tab(large.page, "Config");
  await large.page.getByText(/The new text is large/).waitFor();
  await shot(large.page, "compare-huge");
  await large.close();

  const unknown = await open(`${named("plain 1", "plain 2")},rnothere000`);
  await unknown.page.getByRole("alert").getByText(/not known here: rnothere000/).waitFor();
  await unknown.page.getByRole("button", { name: "Leave out 1 run that is gone" }).click();
  await unknown.page.getByRole("heading", { name: "Verdict" }).waitFor();
  await unknown.close();
});

test("a run that grows changes what is said of it", async () => {
  const at = await aRun("growing", { settings: { lr: 0.1, seed: 1 }, losses: [2, 1.5] });
  await until("it is in the index", async () => {
    const [row] = (await engine.call("runs.list", { query: "name = growing", limit: 1 })).rows;
    if (row !== undefined) uids["growing"] = row.uid;
    return row !== undefined && row.points > 0;
  });
  const window = await open(`${named("plain 1", "growing")}&part=metrics`);
  const { page } = window;
  const row = page.getByRole("row", { name: /val\/loss/ });
  await row.getByText("1.5000").waitFor();
  await appendFile(join(at, "metrics.csv"), "3,0.2500,0.9167,0.00300\n");
  await row.getByText("0.2500").waitFor();

  // The logs stay while what is beside them is compared anew.
  await tab(page, "Logs");
  const shown = page.getByRole("region", { name: /^Right log of/ });
  await shown.getByRole("combobox", { name: "File" }).selectOption("metrics.csv");
  await shown.getByText("3,0.2500,0.9167,0.00300").waitFor();
  await appendFile(join(at, "metrics.csv"), "4,0.1250,0.9500,0.00300\n");
  await shown.getByText("4,0.1250,0.9500,0.00300").waitFor();
  await page.getByRole("combobox", { name: "Right log of run" }).selectOption({ label: "plain 1" });
  await page.getByRole("region", { name: "Right log of plain 1" }).getByRole("combobox", { name: "File" }).waitFor();
  await window.close();
});

test("one run asks for another, and every part can be read in both themes, narrow and wide", { timeout: 240_000 }, async () => {
  const one = await openWindow(engine, { url: `${engine.url}#/runs/${uids["plain 1"]}` });
  await one.page.getByRole("button", { name: "Compare…" }).click();
  await one.page.getByRole("combobox", { name: "Find a run by name or query" }).waitFor();
  expect(await axe(one.page)).toEqual([]);
  await shot(one.page, "compare-add");
  await one.page.keyboard.type("distilled 3");
  await one.page.getByRole("option", { name: /distilled 3/ }).waitFor();
  await one.page.keyboard.press("Enter");
  await one.page.getByRole("heading", { name: "Verdict" }).waitFor();
  await one.close();

  const sizes = [[false, 1440, 900], [true, 1440, 900], [false, 860, 620], [true, 860, 620]] as const;
  for (const [dark, width, height] of sizes) {
    const window = await open(named(...(width > 1_000 ? ten().slice(0, 6) : ["plain 1", "distilled 1"])), { dark, width, height });
    const { page } = window;
    await page.getByRole("heading", { name: "Verdict" }).waitFor();
    for (const [part, there] of [["Overview", ".verdict"], ["Settings", ".beside tbody tr"], ["Metrics", ".beside tbody tr"], ["Curves", "article svg"], ["Config", ".diff"], ["Code", ".file"], ["Environment", ".beside tbody tr"], ["Logs", "[role=log]"]] as const) {
      await tab(page, new RegExp(`^${part}`));
      await page.locator(there).first().waitFor();
      if (part === "Code") {
        await page.locator(".file", { hasText: "train.py" }).click();
        await page.locator(".diff").first().waitFor();
      }
      await shot(page, `compare-${part.toLowerCase()}-${dark ? "dark" : "light"}-${width}`);
      expect.soft(await axe(page), `${part}, ${dark ? "dark" : "light"}, ${width}`).toEqual([]);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect.soft(over, `${part} does not scroll sideways`).toBe(0);
    }
    await window.close();
  }
});
