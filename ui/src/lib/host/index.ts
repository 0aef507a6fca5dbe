import { bridgeHost, takeToken } from "./bridge";
import type { Host } from "./host";

export { CallError, type Host, type Navigation } from "./host";

/** The host for wherever this page runs. */
export async function chooseHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) {
    const { tauriHost } = await import("./tauri");
    return tauriHost();
  }
  return bridgeHost(takeToken(window.location, window.sessionStorage, window.history));
}
