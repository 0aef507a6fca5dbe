// The page over the engine of the tests, to look at: `npx vite --config tests/fake/vite.config.ts`.
// The address says what is in it: ?many=100000 adds finished experiments.

import "../../src/styles/fonts.css";
import "../../src/styles/tokens.css";
import "../../src/styles/base.css";

import { mount } from "svelte";

import { App } from "../../src/lib/state/app.svelte";
import Window from "../../src/Window.svelte";
import { FakeEngine } from "./engine";
import { aScene } from "./scene";

const target = document.getElementById("app");
if (target !== null) {
  const engine = new FakeEngine();
  const query = new URLSearchParams(location.search);
  aScene(engine, Date.now(), Number(query.get("many") ?? 0));
  const app = new App(engine);
  Object.assign(window, { engine, app });
  mount(Window, { target, props: { app } });
  await app.start();
}
