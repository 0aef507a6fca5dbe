// A real engine behind its bridge, and Chromium in front of it. Each test file has its own data folder.
//
// ATHANOR_BIN names the `athanor` program; without it the debug build of this checkout is taken. The page must have
// been built (`npm run build`). Whatever the page logs as an error, and every breach of its content security policy,
// fails the test that it happened in.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

import type { Commands } from "../../src/lib/bindings";
import { aMachine, type AMachine } from "../fake/machine";

const UI = resolve(import.meta.dirname, "../..");
export const BIN = process.env["ATHANOR_BIN"] ?? resolve(UI, "../target/debug/athanor");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export type Engine = {
  url: string;
  home: string;
  /** A folder for the jobs of the tests. */
  work: string;
  call<M extends keyof Commands>(method: M, input: Commands[M]["input"]): Promise<Commands[M]["output"]>;
  /** Cancels what runs, ends the engine and removes its folder. */
  stop(): Promise<void>;
};

/** The page shows this machine instead of the engine's own, which stands still as it was made. */
export async function takeMachine(page: Page, machine: AMachine): Promise<void> {
  await page.addInitScript(() => {
    const Native = EventSource;
    globalThis.EventSource = class extends Native {
      override set onmessage(listen: ((event: MessageEvent) => void) | null) {
        super.onmessage = (event) => {
          if (!String(event.data).includes('"device_update"')) listen?.(event);
        };
      }
    } as typeof EventSource;
  });
  await page.route("**/rpc/device.history", (route) => route.fulfill({ json: aMachine({ ...machine, now: Date.now() }) }));
}

export async function startEngine(slots = 1, environment: Record<string, string> = {}): Promise<Engine> {
  if (!existsSync(BIN)) throw new Error(`${BIN} is not there: build it (cargo build), or name it in ATHANOR_BIN`);
  if (!existsSync(join(UI, "dist/index.html"))) throw new Error("ui/dist is not there: npm run build");
  const folder = await mkdtemp(join(tmpdir(), "athanor-ui-"));
  const home = join(folder, "home");
  const work = await mkdtemp(join(folder, "work-"));
  let child: ChildProcess;
  let url = "";

  const start = async (address: string) => {
    child = spawn(BIN, ["serve", "--bridge", address, "--bridge-ui", join(UI, "dist"), "--slots", String(slots)], {
      env: { ...process.env, ATHANOR_HOME: home, ...environment },
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
  const engine: Engine = {
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
    async stop() {
      // Jobs outlive their engine: without this they would go on writing into what is removed below.
      await engine.call("queue.pause", { paused: true });
      await until("nothing runs any more", async () => {
        const { experiments } = await engine.call("experiments.list", { section: "active", limit: 100 });
        const uids = experiments.filter((it) => !it.cancelling).map((it) => it.uid);
        if (uids.length > 0) await engine.call("experiments.cancel", { uids });
        return experiments.length === 0;
      });
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return engine;
}

/** Stands between page and engine, and can be cut: what a lost engine looks like to the page. */
export type Wire = { url: string; cut(): void; mend(): Promise<void>; close(): void };

export async function startWire(engine: Engine): Promise<Wire> {
  const target = new URL(engine.url);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(Number(target.port), target.hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => sockets.delete(one));
    }
    socket.pipe(onward).pipe(socket);
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${target.search}`, cut, mend: () => listen(port), close: cut };
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

export type Look = {
  width?: number;
  height?: number;
  /** Pixels of the screen for each CSS pixel. */
  ratio?: number;
  dark?: boolean;
  /** Another address than the engine's own. */
  url?: string;
  /** What is to be done before the page loads. */
  prepare?: (page: Page) => Promise<unknown>;
};

/** Opens the window; `close` throws if anything went wrong in it. */
export async function openWindow(engine: Engine, look: Look = {}): Promise<Window> {
  const context = await (await launch()).newContext({
    viewport: { width: look.width ?? 1440, height: look.height ?? 900 },
    deviceScaleFactor: look.ratio ?? 1,
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
  await look.prepare?.(page);
  await page.goto(look.url ?? engine.url);
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

/** Keeps a picture where ATHANOR_SHOTS says, for people to judge. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env["ATHANOR_SHOTS"];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Waits until it is so, however long that takes within the test's own limit. */
export async function until<T>(what: string, look: () => Promise<T | false | null | undefined>): Promise<T> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never was so: ${what}`);
}

/** Queues a line for the shell and answers its uid. */
export async function queue(engine: Engine, name: string, line: string, more: object = {}): Promise<string> {
  const { experiments } = await engine.call("experiments.add", { experiments: [{ name, command: line, cwd: engine.work, ...more }] });
  return experiments[0]!.uid;
}

/** Waits until an experiment has ended. */
export function ended(engine: Engine, uid: string): Promise<string> {
  return until(`${uid} ended`, async () => {
    const { experiment } = await engine.call("experiments.get", { uid });
    return experiment.completed_at !== null && experiment.status;
  });
}
