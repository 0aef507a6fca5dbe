// The host inside the desktop program. No other module of the page imports @tauri-apps.

import { Channel, invoke } from "@tauri-apps/api/core";
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
    async saveText(name, text, base64 = false) {
      try {
        return await invoke<string | null>("save_text", { name, text, base64 });
      } catch (thrown) {
        throw CallError.from(thrown);
      }
    },
    async saveLog({ name, method, params }, told, stop) {
      const progress = new Channel<number>(told);
      // The number of the channel names what is saved, so that it can be stopped.
      const cancel = () => void invoke("stop_saving", { id: progress.id });
      stop.addEventListener("abort", cancel);
      try {
        return await invoke<string | null>("save_log", { id: progress.id, name, method, params, progress });
      } catch (thrown) {
        throw CallError.from(thrown);
      } finally {
        stop.removeEventListener("abort", cancel);
      }
    },
    openPath: (path) => invoke("open_path", { path }),
    onFolders(drop, over) {
      // A link that is dragged, of this page or of another, comes here, too: it is no path.
      const local = ({ payload }: { payload: { paths: string[] } }) => payload.paths.filter((path) => path.startsWith("/"));
      const listening = [
        listen<{ paths: string[] }>("tauri://drag-enter", (event) => over(local(event))),
        listen("tauri://drag-leave", () => over([])),
        listen<{ paths: string[] }>("tauri://drag-drop", (event) => drop(local(event))),
      ];
      return () => {
        for (const it of listening) void it.then((stop) => stop());
      };
    },
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
