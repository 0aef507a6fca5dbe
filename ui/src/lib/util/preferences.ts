// Small things that this window remembers for itself; losing them harms nothing.

export function readPreference(name: string): string | null {
  try {
    return window.localStorage.getItem(`athanor.${name}`);
  } catch {
    return null;
  }
}

export function writePreference(name: string, value: string): void {
  try {
    window.localStorage.setItem(`athanor.${name}`, value);
  } catch {
    // Private mode, or no room: it is asked for again next time.
  }
}
