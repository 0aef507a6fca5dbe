// A real engine behind its bridge, and Chromium in front of it. Each test file has its own data folder.
//
// ATHANOR_BIN names the `athanor` program; without it the debug build of this checkout is taken. The page must have
// been built (`npm run build`). Whatever the page logs as an error, and every breach of its content security policy,
// fails the test that it happened in.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

import type { Commands } from "../../src/lib/bindings";

const UI = resolve(import.meta.dirname, "../..");
const BIN = process.env["ATHANOR_BIN"] ?? resolve(UI, "../target/debug/athanor");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export type Engine = {
  url: string;
  home: string;
  /** A folder for the jobs of the tests. */
  work: string;
  call<M extends keyof Commands>(method: M, input: Commands[M]["input"]): Promise<Commands[M]["output"]>;
  /** Kills the engine as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export async function startEngine(slots = 1): Promise<Engine> {
  if (!existsSync(BIN)) throw new Error(`${BIN} is not there: build it (cargo build), or name it in ATHANOR_BIN`);
  if (!existsSync(join(UI, "dist/index.html"))) throw new Error("ui/dist is not there: npm run build");
  const folder = await mkdtemp(join(tmpdir(), "athanor-ui-"));
  const home = join(folder, "home");
  const work = await mkdtemp(join(folder, "work-"));
  let child: ChildProcess;
  let url = "";

  const start = async (address: string) => {
    child = spawn(BIN, ["serve", "--bridge", address, "--bridge-ui", join(UI, "dist"), "--slots", String(slots)], {
      env: { ...process.env, ATHANOR_HOME: home },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) {
      const said = JSON.parse(line) as { bridge?: string };
      if (said.bridge !== undefined) {
        url = said.bridge;
        return;
      }
    }
    throw new Error("the engine ended before it said its address");
  };
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>((done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done();
      child.once("exit", () => done());
      child.kill(signal);
    });

  await start("127.0.0.1:0");
  return {
    get url() {
      return url;
    },
    home,
    work,
    async call(method, input) {
      const address = new URL(url);
      const response = await fetch(`${address.origin}/rpc/${method}`, {
        method: "POST",
        headers: { authorization: `Bearer ${address.searchParams.get("token")}`, "content-type": "application/json" },
        body: JSON.stringify(input),
      });
      const body = await response.json();
      if (!response.ok) throw new Error(`${method}: ${JSON.stringify(body)}`);
      return body as never;
    },
    kill: () => end("SIGKILL"),
    restart: () => start(new URL(url).host),
    async stop() {
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

let browser: Promise<Browser> | undefined;

export function launch(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

export type Window = { page: Page; context: BrowserContext; faults: string[]; close(): Promise<void> };

export type Look = { width?: number; height?: number; dark?: boolean };

/** Opens the window; `close` throws if anything went wrong in it. */
export async function openWindow(engine: Engine, look: Look = {}): Promise<Window> {
  const context = await (await launch()).newContext({
    viewport: { width: look.width ?? 1440, height: look.height ?? 900 },
    colorScheme: look.dark ? "dark" : "light",
    permissions: ["clipboard-read", "clipboard-write"],
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/.test(message.text())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error.stack ?? error)));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
    });
  });
  await page.goto(engine.url);
  return {
    page,
    context,
    faults,
    async close() {
      await context.close();
      if (faults.length > 0) throw new Error(`the page complained:\n${faults.join("\n")}`);
    },
  };
}

/** What is wrong for people who use assistive technology, as axe sees it: one line each. */
export async function axe(page: Page): Promise<string[]> {
  // Evaluated over the protocol: the page's own policy would refuse it as an inline script.
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[] }> };
    };
    const result = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] });
    return result.violations
      .filter((it) => it.impact === "serious" || it.impact === "critical" || it.id === "color-contrast")
      .flatMap((it) => it.nodes.map((node) => `${it.id} (${it.impact}) at ${node.target.join(" ")}: ${node.failureSummary.split("\n").slice(0, 3).join(" ")}`));
  });
}
