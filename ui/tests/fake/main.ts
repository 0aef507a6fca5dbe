// The page over the engine of the tests, to look at: `npx vite --config tests/fake/vite.config.ts`.
// The address says what is in it: ?many=100000 adds finished experiments, ?machine=eight takes another machine, and
// ?live lets its seconds pass. ?runs=0 begins without runs, ?runs=10000 with many.
// Curves and logs are none of its own; whoever opens it may hand in a function `drawn` that has some.

import "../../src/styles/fonts.css";
import "../../src/styles/tokens.css";
import "../../src/styles/base.css";

import { mount } from "svelte";

import { App } from "../../src/lib/state/app.svelte";
import Window from "../../src/Window.svelte";
import { FakeEngine } from "./engine";
import { sketch, useHistory, type Wanted } from "./history";
import { nextSample } from "./machine";
import { useMachine } from "./machines";
import { FakeRuns, someFolders, someRuns } from "./runs";
import { aScene } from "./scene";

const target = document.getElementById("app");
if (target !== null) {
  const engine = new FakeEngine();
  const query = new URLSearchParams(location.search);
  aScene(engine, Date.now(), Number(query.get("many") ?? 0));
  const many = Number(query.get("runs") ?? 1_276);
  const runs = new FakeRuns(engine, many === 0 ? [] : someRuns(Date.now(), many));
  if (many > 0) runs.folders = someFolders(Date.now());
  const machine = useMachine(engine, query.get("machine") ?? "", Date.now());
  const { drawn, drawnHistory } = window as { drawn?: (method: string, input: object, name: string) => Promise<never>; drawnHistory?: (wanted: Wanted) => Promise<ReturnType<typeof sketch>> };
  const { samples } = await engine.call("device.history", {});
  const gpus = (samples.at(-1)?.gpus.list ?? []).filter((it) => it.mig.state !== "divided").map(({ uuid, index, name }) => ({ uuid, index, name }));
  useHistory(engine, gpus, () => Date.now(), drawnHistory ?? sketch);
  if (drawn !== undefined) {
    for (const method of ["chart.draw", "metrics.list", "log.tail", "log.read"] as const) {
      engine.answers[method] = async (input: { uid: string }) => {
        const { name, status } = engine.get(input.uid);
        const answer: object = await drawn(method, input, name);
        return (method === "log.tail" ? { ...answer, ended: status !== "running" } : answer) as never;
      };
    }
  }
  const app = new App(engine);
  Object.assign(window, { engine, app, runs });
  mount(Window, { target, props: { app } });
  await app.start();
  if (machine !== null && query.has("live")) {
    let step = 0;
    setInterval(() => engine.push({ kind: "device_update", sample: nextSample(machine, (step += 1)) }), 1_000);
  }
}
