// Light or dark: the setting, or the system where the setting leaves it to the system.

import type { Appearance, Theme } from "../bindings";

export class ThemeState {
  now = $state<Theme>("light");
  #appearance: Appearance = "system";
  #system = typeof window === "undefined" ? null : window.matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    this.#system?.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  use(appearance: Appearance): void {
    this.#appearance = appearance;
    this.#apply();
  }

  #apply(): void {
    const dark = this.#appearance === "dark" || (this.#appearance === "system" && (this.#system?.matches ?? false));
    this.now = dark ? "dark" : "light";
    if (typeof document !== "undefined") document.documentElement.dataset["theme"] = this.now;
  }
}

export const theme = new ThemeState();
