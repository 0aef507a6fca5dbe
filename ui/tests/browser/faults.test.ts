// What the window shows when something else goes wrong.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineInfo } from "../../src/lib/bindings";
import { axe, closeBrowser, type Engine, openWindow, queue, shot, startEngine, startWire, takeMachine } from "./harness";
import { type AMachine, driverFault, LOST } from "../fake/machine";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine(1);
});
afterAll(async () => {
  await engine.stop();
  await closeBrowser();
});

test("a lost engine is said, and found again with what happened meanwhile", async () => {
  const wire = await startWire(engine);
  const window = await openWindow(engine, { url: wire.url });
  const { page } = window;
  await page.getByText("Queue an experiment, and let it run").waitFor();
  wire.cut();
  await page.getByText("Reconnecting…").waitFor();
  await shot(page, "engine-gone");
  await queue(engine, "meanwhile", "true");
  await wire.mend();
  await page.getByText("Reconnecting…").waitFor({ state: "detached", timeout: 30_000 });
  await page.locator("tr", { hasText: "meanwhile" }).waitFor();
  await window.close();
  wire.close();
});

test("what the engine has to say of itself stays until it is dismissed", async () => {
  const window = await openWindow(engine, {
    prepare: (page) =>
      page.route("**/rpc/engine.info", async (route) => {
        const response = await route.fetch();
        const info = (await response.json()) as EngineInfo;
        info.notices = [
          { level: "error", title: "The database was damaged", message: "It was set aside as athanor.db.damaged-1, and a new one was begun. Backups stand in the folder backups." },
          { level: "warning", title: "Little space", message: "0.9 GiB are free on the data folder's disk." },
        ];
        await route.fulfill({ json: info });
      }),
  });
  const { page } = window;
  await page.getByText("The database was damaged").waitFor();
  await shot(page, "notices");
  expect(await axe(page)).toEqual([]);
  await page.getByRole("button", { name: "Dismiss" }).first().click();
  await page.getByText("The database was damaged").waitFor({ state: "detached" });
  await page.getByText("Little space").waitFor();
  await window.close();
});

test("a list that cannot be read says so and what to do next", async () => {
  const window = await openWindow(engine, {
    url: `${engine.url}#/queue`,
    prepare: (page) =>
      page.route("**/rpc/experiments.list", (route) => route.fulfill({ status: 500, json: { code: "disk_full", message: "The disk of /data is full." } })),
  });
  await window.page.getByText("The disk is full").waitFor();
  await window.page.getByRole("button", { name: "Try again" }).waitFor();
  await shot(window.page, "list-failed");
  await window.close();
});

test.each<[string, AMachine, string]>([
  ["four", { now: 0, gpus: [{ busy: 97, memory: 42 }, { busy: 94, memory: 34 }, { memory: 1.4, bare: true }, { fault: LOST }] }, "It has fallen off the bus."],
  ["broken", { now: 0, driver: { version: null, cuda: null, fault: driverFault("mismatch") } }, "NVIDIA driver versions differ"],
  ["none", { now: 0 }, "sees no GPU"],
])("GPUs: %s", async (name, machine, words) => {
  const window = await openWindow(engine, { dark: name === "four", prepare: (page) => takeMachine(page, machine) });
  await window.page.getByText(words, { exact: false }).first().waitFor();
  expect(await axe(window.page)).toEqual([]);
  await shot(window.page, `gpus-${name}`);
  await window.close();
});
