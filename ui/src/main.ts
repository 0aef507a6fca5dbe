import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";

import { mount } from "svelte";

import Window from "./Window.svelte";
import { chooseHost } from "./lib/host";
import { App } from "./lib/state/app.svelte";

const target = document.getElementById("app");
if (target !== null) {
  const app = new App(await chooseHost());
  mount(Window, { target, props: { app } });
  app.host.ready();
  await app.start();
}
