// How a device stands by the age of its last heartbeat. Pure.

export type Health = { word: "healthy" | "stale" | "disconnected"; tone: "done" | "pause" | "fail" };

const HEALTHY_MS = 30_000;
const STALE_MS = 60_000;

export function healthOf(age: number): Health {
  if (age <= HEALTHY_MS) return { word: "healthy", tone: "done" };
  return age <= STALE_MS ? { word: "stale", tone: "pause" } : { word: "disconnected", tone: "fail" };
}
