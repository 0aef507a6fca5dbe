// Which place is shown, kept in the address after the `#`, so that back and forward work as everywhere.

import { lookOf, newLook, queryOf, type CompareLook } from "../runs/compared";

export type Tab = "log" | "metrics" | "details" | "history";
export type Part = "list" | "timeline" | "activity";
export type RunTab = "charts" | "media" | "config" | "files" | "logs" | "details";
export type Place =
  | { view: "overview" }
  | { view: "queue" }
  | { view: "devices" }
  | { view: "settings" }
  | { view: "runs" }
  | { view: "run"; uid: string }
  | { view: "folders" }
  | { view: "compare"; look: CompareLook }
  | { view: "charts"; project: string }
  | { view: "project"; name: string };

export class Router {
  place = $state.raw<Place>({ view: "overview" });
  /** The experiment in the drawer. */
  job = $state<string | null>(null);
  tab = $state<Tab>("log");
  /** The run in the drawer; it and an experiment take each other's place. */
  run = $state<string | null>(null);
  runTab = $state<RunTab>("charts");
  /** How the queue is shown. */
  part = $state<Part>("list");

  constructor() {
    if (typeof window === "undefined") return;
    this.#read();
    window.addEventListener("hashchange", () => this.#read());
  }

  go(view: "overview" | "queue" | "runs" | "folders" | "devices" | "settings"): void {
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

  /** The charts of a project; of all runs where it has no name. */
  goCharts(project: string): void {
    this.#set({ view: "charts", project }, null);
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

  /** Shows a run beside the list of runs, or beside the charts at hand. */
  openRun(uid: string): void {
    this.#set(this.place.view === "charts" ? this.place : { view: "runs" }, null, uid);
  }

  /** Shows a run on a page of its own. */
  openRunPage(uid: string): void {
    this.#set({ view: "run", uid }, null);
  }

  /** Lays runs side by side. */
  compare(uids: readonly string[]): void {
    this.showComparison(newLook(uids));
  }

  /** Another look at a comparison; `quietly` without a step of its own for the way back. */
  showComparison(look: CompareLook, quietly = false): void {
    if (quietly) window.history.replaceState(window.history.state, "", `#/runs/compare?${queryOf(look)}`);
    this.#set({ view: "compare", look }, null);
  }

  closeRun(): void {
    this.#set(this.place, null);
  }

  #set(place: Place, job: string | null, run: string | null = null): void {
    this.place = place;
    this.job = job;
    this.run = run;
    const beside = place.view === "compare" ? `?${queryOf(place.look)}` : job !== null ? `?job=${encodeURIComponent(job)}` : run !== null ? `?run=${encodeURIComponent(run)}` : "";
    const hash = `#/${this.#path(place)}${beside}`;
    if (window.location.hash !== hash) window.location.hash = hash;
  }

  #path(place: Place): string {
    switch (place.view) {
      case "project":
        return `project/${encodeURIComponent(place.name)}`;
      case "run":
        return `runs/${encodeURIComponent(place.uid)}`;
      case "folders":
        return "runs/folders";
      case "compare":
        return "runs/compare";
      case "charts":
        return place.project === "" ? "charts" : `charts/${encodeURIComponent(place.project)}`;
      case "queue":
        return this.part === "list" ? "queue" : `queue/${this.part}`;
      default:
        return place.view;
    }
  }

  #read(): void {
    const [path = "", query = ""] = window.location.hash.replace(/^#\/?/, "").split("?");
    const [view, name] = path.split("/");
    if (view === "project" && name !== undefined && name !== "") this.place = { view, name: decodeURIComponent(name) };
    else if (view === "runs") this.place = name === "compare" ? { view: "compare", look: lookOf(query) } : name === "folders" ? { view: "folders" } : name !== undefined && name !== "" ? { view: "run", uid: decodeURIComponent(name) } : { view };
    else if (view === "charts") this.place = { view, project: decodeURIComponent(name ?? "") };
    else if (view === "queue" || view === "devices" || view === "settings") this.place = { view };
    else this.place = { view: "overview" };
    if (view === "queue") this.part = name === "timeline" || name === "activity" ? name : "list";
    const beside = new URLSearchParams(query);
    this.job = beside.get("job");
    this.run = (view === "runs" || view === "charts") && this.job === null ? beside.get("run") : null;
  }
}
