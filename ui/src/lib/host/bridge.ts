// The host in a plain browser: the same commands over a loopback address, pushes as server-sent events.

import type { Push } from "../bindings";
import { CallError, isApiError, type Host } from "./host";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** Of a log that is saved, at a time. */
const PIECE_BYTES = 4 * 1024 * 1024;
const TOKEN_KEY = "athanor.bridge.token";

/** The token from the address, kept for a reload; the address bar does not keep it. */
export function takeToken(location: Location, storage: Storage, history: History): string {
  const url = new URL(location.href);
  const given = url.searchParams.get("token");
  if (given !== null) {
    storage.setItem(TOKEN_KEY, given);
    url.searchParams.delete("token");
    history.replaceState(null, "", url);
    return given;
  }
  return storage.getItem(TOKEN_KEY) ?? "";
}

export function bridgeHost(token: string): Host {
  return {
    desktop: false,

    async call(method, input) {
      let response: Response;
      try {
        response = await fetch(`/rpc/${method}`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify(input),
        });
      } catch {
        throw new CallError({ code: "engine_gone", message: "The engine does not answer." });
      }
      let body: unknown;
      try {
        body = await response.json();
      } catch {
        body = null;
      }
      if (response.ok) return body as never;
      if (isApiError(body)) throw new CallError(body);
      throw new CallError({ code: "protocol", message: `The engine answered ${method} with HTTP status ${response.status}.` });
    },

    listen(onPush, onConnection) {
      let source: EventSource | undefined;
      let retry: ReturnType<typeof setTimeout> | undefined;
      let wait = FIRST_RETRY_MS;
      let stopped = false;

      return new Promise((resolve) => {
        const stop = () => {
          stopped = true;
          clearTimeout(retry);
          source?.close();
        };
        const connect = () => {
          const stream = new EventSource(`/events?token=${encodeURIComponent(token)}`);
          source = stream;
          stream.onmessage = (message: MessageEvent<string>) => {
            const push = JSON.parse(message.data) as Push;
            if (push.kind === "hello") {
              wait = FIRST_RETRY_MS;
              onConnection(true);
              resolve(stop);
            }
            onPush(push);
          };
          // The browser would try again by itself, but never after a refusal, and without backing off.
          stream.onerror = () => {
            stream.close();
            if (stopped) return;
            onConnection(false);
            retry = setTimeout(connect, wait);
            wait = Math.min(wait * 2, LAST_RETRY_MS);
          };
        };
        connect();
      });
    },

    pickFolder: () => Promise.resolve(null),
    saveText(name, text, base64 = false) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(base64 ? new Blob([Uint8Array.from(atob(text), (it) => it.charCodeAt(0))]) : new Blob([text], { type: "text/plain" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
      // The browser says itself where it went.
      return Promise.resolve(null);
    },
    async saveLog({ name, method, params }, told, stop) {
      // The browser keeps the pieces, on its disk where they are many.
      const pieces: Blob[] = [];
      let written = 0;
      for (let offset = params.offset ?? 0; ; ) {
        const piece = await this.call(method, { ...params, offset, limit: PIECE_BYTES, raw: true });
        if (stop.aborted) return null;
        if (piece.text === "" && piece.next <= offset) break;
        const bytes = Uint8Array.from(atob(piece.text), (it) => it.charCodeAt(0));
        pieces.push(new Blob([bytes]));
        written += bytes.length;
        offset = piece.next;
        told(written);
      }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(pieces, { type: "text/plain" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      return null;
    },
    openPath: () =>
      Promise.reject(new CallError({ code: "forbidden", message: "A browser cannot open folders; copy the path instead." })),
    onNavigate: () => Promise.resolve(() => {}),
    lookingAt() {},
    ready() {},
  };
}
