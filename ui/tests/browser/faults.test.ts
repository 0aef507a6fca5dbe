// What the window shows when something else goes wrong.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { DeviceSample, EngineInfo, Gpus } from "../../src/lib/bindings";
import { axe, closeBrowser, type Engine, openWindow, queue, shot, startEngine, startWire } from "./harness";

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

const GIB = 1024 ** 3;
const gpu = (index: number, busy: number, used: number) => ({
  index,
  uuid: `GPU-${index}`,
  name: "NVIDIA RTX 6000 Ada Generation",
  utilisation: { state: "value" as const, value: busy },
  memory_used: { state: "value" as const, value: used * GIB },
  memory_total: { state: "value" as const, value: 48 * GIB },
  temperature: { state: "value" as const, value: 58 + index },
  power: index === 2 ? { state: "unsupported" as const } : { state: "value" as const, value: 31 + busy * 2.5 },
  power_limit: { state: "value" as const, value: 300 },
});

test.each<[string, Gpus, string]>([
  ["four", { state: "present", driver: "560.35", gpus: [gpu(0, 97, 42.2), gpu(1, 94, 34.1), gpu(2, 0, 1.4), { ...gpu(3, 0, 0), utilisation: { state: "failed", message: "GPU is lost" } }] }, "GPU 0"],
  ["broken", { state: "broken", message: "The NVIDIA driver does not answer: driver/library version mismatch. Restart the machine to load the new driver." }, "NVIDIA driver fault"],
  ["none", { state: "present", driver: "560.35", gpus: [] }, "sees no GPU"],
])("GPUs: %s", async (name, gpus, words) => {
  const window = await openWindow(engine, {
    dark: name === "four",
    prepare: async (page) => {
      await page.addInitScript(() => {
        const Native = EventSource;
        // The machine stands still, as the test has made it.
        globalThis.EventSource = class extends Native {
          override set onmessage(listen: ((event: MessageEvent) => void) | null) {
            super.onmessage = (event) => {
              if (!String(event.data).includes('"device_update"')) listen?.(event);
            };
          }
        } as typeof EventSource;
      });
      await page.route("**/rpc/device.history", async (route) => {
        const { samples } = (await (await route.fetch()).json()) as { samples: DeviceSample[] };
        const last = samples.at(-1)!;
        const made = Array.from({ length: 120 }, (_, i): DeviceSample => ({
          ...last,
          at: last.at - (119 - i) * 1_000,
          cpu: { state: "value", value: 30 + 8 * Math.sin(i / 5) },
          gpus:
            gpus.state === "present"
              ? { ...gpus, gpus: gpus.gpus.map((it) => (it.utilisation.state === "value" ? { ...it, utilisation: { state: "value" as const, value: Math.max(0, it.utilisation.value - (i % 7) * (it.utilisation.value > 0 ? 1 : 0)) } } : it)) }
              : gpus,
        }));
        await route.fulfill({ json: { samples: made } });
      });
    },
  });
  await window.page.getByText(words, { exact: false }).first().waitFor();
  expect(await axe(window.page)).toEqual([]);
  await shot(window.page, `gpus-${name}`);
  await window.close();
});
