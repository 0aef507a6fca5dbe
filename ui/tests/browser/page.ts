// The page over the engine in memory, in Chromium: for what a real engine would take long to come to.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { build, preview } from "vite";

import { launch, type Look, type Window } from "./harness";

const CONFIG = resolve(import.meta.dirname, "../fake/vite.config.ts");

export type Pages = { open(place: string, look?: Look & { query?: string }): Promise<Window>; stop(): Promise<void> };

export async function startPages(): Promise<Pages> {
  const outDir = await mkdtemp(join(tmpdir(), "athanor-page-"));
  await build({ configFile: CONFIG, logLevel: "error", build: { outDir, emptyOutDir: true } });
  const server = await preview({ configFile: CONFIG, logLevel: "error", build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
  const url = server.resolvedUrls?.local[0] ?? "";
  return {
    async open(place, look = {}) {
      const context = await (await launch()).newContext({ viewport: { width: look.width ?? 1440, height: look.height ?? 900 }, colorScheme: look.dark === true ? "dark" : "light", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
      const page: Page = await context.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error.stack ?? error)));
      await look.prepare?.(page);
      await page.goto(`${url}?${look.query ?? ""}#${place}`);
      await page.waitForFunction(() => (window as unknown as { app?: { connection: string } }).app?.connection === "live");
      return {
        page,
        context,
        faults,
        async close() {
          await context.close();
          if (faults.length > 0) throw new Error(`the page complained:\n${faults.join("\n")}`);
        },
      };
    },
    async stop() {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}
