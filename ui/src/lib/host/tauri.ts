// The host inside the desktop program. No other module of the page imports @tauri-apps.

import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

import type { Push } from "../bindings";
import { CallError, type Host, type Navigation } from "./host";

export function tauriHost(): Host {
  return {
    desktop: true,
    async call(method, input) {
      try {
        return await invoke("rpc", { method, params: input });
      } catch (thrown) {
        throw CallError.from(thrown);
      }
    },
    async listen(onPush, onConnection) {
      const stop = await listen<Push>("push", (event) => onPush(event.payload));
      onConnection(true);
      return stop;
    },
    pickFolder: () => invoke<string | null>("pick_folder"),
    async saveText(name, text) {
      try {
        return await invoke<string | null>("save_text", { name, text });
      } catch (thrown) {
        throw CallError.from(thrown);
      }
    },
    openPath: (path) => invoke("open_path", { path }),
    async onNavigate(go) {
      const stop = await listen<Navigation>("navigate", (event) => go(event.payload));
      // A click on a notification may be what opened the window.
      const waiting = await invoke<Navigation | null>("pending_navigation");
      if (waiting !== null) go(waiting);
      return stop;
    },
    lookingAt(uid) {
      void invoke("looking_at", { uid });
    },
    ready() {
      // A window that could not be shown is the shell's to say; the page has nobody to say it to.
      invoke("window_ready").catch(() => {});
    },
  };
}
