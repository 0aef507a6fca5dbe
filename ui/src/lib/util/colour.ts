// Which of the palette's colours a run or a project keeps everywhere.

export const COLOURS = 12;

/** 1 to 12, the same for the same key on every machine (FNV-1a). */
export function colourOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) {
    hash ^= key.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // The low bits of FNV-1a alone are weak for short keys that differ in one character.
  hash ^= hash >>> 15;
  return ((hash >>> 0) % COLOURS) + 1;
}

/** The class of the colour at an index of the palette, counted from 0 as the engine does. */
export const classOf = (index: number): string => `c${(index % COLOURS) + 1}`;
