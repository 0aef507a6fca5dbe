// Takes the pictures: each view of the page over the engine in memory, in light and dark, always at the same second.
//
// ATHANOR_SHOTS names the folder that they go to; SHOTS names the views that are wanted, separated by commas, else all.

import { mkdir, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { preview, type PreviewServer } from "vite";

import { closeBrowser, launch, takeMachine } from "../browser/harness";
import { aMachine } from "../fake/machine";
import { MACHINES } from "../fake/machines";
import { type Drawer, startDrawer } from "./drawer";
import { reduced } from "./png";
import { type View, VIEWS } from "./views";

const NOW = Date.UTC(2026, 10, 21, 15, 42);
const MOST_BYTES = 80_000;
const FAKE = resolve(import.meta.dirname, "../fake");
const folder = resolve(process.env["ATHANOR_SHOTS"] ?? resolve(import.meta.dirname, "../../../docs/shots"));
const wanted = process.env["SHOTS"]?.split(",").filter(Boolean) ?? [];

let server: PreviewServer;
let drawer: Drawer;
let url = "";
beforeAll(async () => {
  for (const name of wanted) if (!VIEWS.some((it) => it.name === name)) throw new Error(`there is no view ${name}; there are: ${VIEWS.map((it) => it.name).join(", ")}`);
  await mkdir(folder, { recursive: true });
  server = await preview({ configFile: resolve(FAKE, "vite.config.ts"), preview: { port: 0, host: "127.0.0.1" } });
  url = server.resolvedUrls?.local[0] ?? "";
  drawer = await startDrawer();
});
afterAll(async () => {
  await drawer?.stop();
  await closeBrowser();
  await server?.close();
});

for (const view of VIEWS.filter((it) => wanted.length === 0 || wanted.includes(it.name))) {
  for (const theme of ["light", "dark"] as const) {
    test(`${view.name}, ${theme}`, async () => {
      const context = await (await launch()).newContext({ viewport: { width: 1280, height: 800 }, colorScheme: theme, reducedMotion: "reduce", timezoneId: "UTC", locale: "en-GB" });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      await page.clock.setFixedTime(NOW);
      if (view.sweep === true) await real(page, view.at);
      else await inMemory(page, view);
      await page.locator("main").waitFor();
      await view.then?.(page);
      await page.locator(view.ready).first().waitFor();
      await page.evaluate(() => document.fonts.ready);
      await settled(page);
      const file = resolve(folder, `${view.name}-${theme}.png`);
      await writeFile(file, reduced(await page.screenshot()));
      await context.close();
      expect(faults).toEqual([]);
      expect((await stat(file)).size, `${file} in bytes`).toBeLessThan(MOST_BYTES);
    });
  }
}

/** The page over the engine in memory. */
async function inMemory(page: Page, view: View): Promise<void> {
  await drawer.give(page);
  await page.goto(`${url}?${view.query ?? ""}`);
  await page.waitForFunction(() => "engine" in window && (window as unknown as { app: { connection: string } }).app.connection === "live");
  await page.evaluate((at) => {
    const { engine } = window as unknown as { engine: { experiments: { name: string; uid: string }[] } };
    location.hash = `#${at.replace(/\{(.*)\}/, (_, name: string) => engine.experiments.find((it) => it.name === name)?.uid ?? name)}`;
  }, view.at);
}

/** The page over the real engine, which has the runs of a sweep, on a machine that stands still. */
async function real(page: Page, at: string): Promise<void> {
  const machine = MACHINES["busy"]?.(NOW, []) ?? { now: NOW };
  await takeMachine(page, machine);
  await page.route("**/rpc/device.history", (route) => route.fulfill({ json: aMachine(machine) }));
  const uids = Object.entries(drawer.sweep).sort(([a], [b]) => a.localeCompare(b)).map(([, uid]) => uid);
  await page.goto(`${drawer.engine.url}#${at.replace("{sweep}", uids.join(","))}`);
}

/** Nothing in the page has changed for a while. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((done) => {
        let timer = setTimeout(finish, 700);
        const changes = new MutationObserver(() => {
          clearTimeout(timer);
          timer = setTimeout(finish, 700);
        });
        function finish() {
          changes.disconnect();
          done();
        }
        changes.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
      }),
  );
}
