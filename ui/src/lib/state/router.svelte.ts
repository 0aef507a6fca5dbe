// Which place is shown, kept in the address after the `#`, so that back and forward work as everywhere.

export type Tab = "log" | "metrics" | "details" | "history";
export type Part = "list" | "timeline" | "activity";
export type Place =
  | { view: "overview" }
  | { view: "queue" }
  | { view: "devices" }
  | { view: "settings" }
  | { view: "project"; name: string };

export class Router {
  place = $state.raw<Place>({ view: "overview" });
  /** The experiment in the drawer. */
  job = $state<string | null>(null);
  tab = $state<Tab>("log");
  /** How the queue is shown. */
  part = $state<Part>("list");

  constructor() {
    if (typeof window === "undefined") return;
    this.#read();
    window.addEventListener("hashchange", () => this.#read());
  }

  go(view: "overview" | "queue" | "devices" | "settings"): void {
    this.part = "list";
    this.#set({ view }, null);
  }

  /** The queue as a list, on the timeline, or what happened in it. */
  goQueue(part: Part): void {
    this.part = part;
    this.#set({ view: "queue" }, this.job);
  }

  goProject(name: string): void {
    this.#set({ view: "project", name }, null);
  }

  /** Shows an experiment beside the list at hand, or beside the queue. */
  openJob(uid: string, view?: "queue"): void {
    const place: Place = view !== undefined || this.place.view === "settings" ? { view: "queue" } : this.place;
    if (this.job === null) this.tab = "log";
    this.#set(place, uid);
  }

  closeJob(): void {
    this.#set(this.place, null);
  }

  #set(place: Place, job: string | null): void {
    this.place = place;
    this.job = job;
    const part = place.view === "queue" && this.part !== "list" ? `/${this.part}` : "";
    const path = place.view === "project" ? `project/${encodeURIComponent(place.name)}` : `${place.view}${part}`;
    const hash = `#/${path}${job === null ? "" : `?job=${encodeURIComponent(job)}`}`;
    if (window.location.hash !== hash) window.location.hash = hash;
  }

  #read(): void {
    const [path = "", query = ""] = window.location.hash.replace(/^#\/?/, "").split("?");
    const [view, name] = path.split("/");
    if (view === "project" && name !== undefined && name !== "") this.place = { view, name: decodeURIComponent(name) };
    else if (view === "queue" || view === "devices" || view === "settings") this.place = { view };
    else this.place = { view: "overview" };
    if (view === "queue") this.part = name === "timeline" || name === "activity" ? name : "list";
    this.job = new URLSearchParams(query).get("job");
  }
}
