// Where the panels of a page of charts stand: rows of twelve columns below each other, section by section. Pure.

import type { Rectangle } from "../bindings";

export const COLUMNS = 12;
/** No panel is narrower than this, in pixels: on a narrow page it spans more columns. */
export const NARROWEST = 250;
export const LEAST_HEIGHT = 140;
export const MOST_HEIGHT = 900;
export const GAP = 12;
export const HEAD = 34;

export type Placed = { readonly id: string; readonly section: string; readonly columns: number; readonly height: number };
export type Section = { readonly name: string; readonly folded: boolean };
export type Spot = { readonly id: string; readonly section: string; readonly row: number; readonly box: Rectangle };
export type Head = { readonly section: string; readonly top: number; readonly count: number; readonly folded: boolean };
export type Arranged = { readonly spots: readonly Spot[]; readonly heads: readonly Head[]; readonly height: number };

/** How many columns a panel spans on a page this wide. */
export function span(columns: number, width: number): number {
  const least = Math.ceil((COLUMNS * NARROWEST) / Math.max(width, 1));
  // A third of a page that is too narrow for three becomes a half, so that rows stay full.
  const whole = [1, 2, 3, 4, 6, 12].find((it) => it >= least) ?? COLUMNS;
  return Math.min(Math.max(columns, whole), COLUMNS);
}

/** The sections in their order: as they are listed, then as panels name them. */
export function sectionsOf(panels: readonly Placed[], sections: readonly Section[]): Section[] {
  const used = new Set(panels.map((it) => it.section));
  const known = new Set(sections.map((it) => it.name));
  const more = [...used].filter((it) => !known.has(it)).map((name) => ({ name, folded: false }));
  return [...sections.filter((it) => used.has(it.name)), ...more];
}

/**
 * Places panels in rows, left to right, in their order within their section.
 *
 * - A row is as high as its highest panel; a panel that does not fit begins the next.
 * - A section that is folded is its head alone. A page whose only section has no name has no heads.
 */
export function arrange(panels: readonly Placed[], sections: readonly Section[], width: number): Arranged {
  const all = sectionsOf(panels, sections);
  const bare = all.length === 1 && all[0]?.name === "";
  const column = (width + GAP) / COLUMNS;
  const spots: Spot[] = [];
  const heads: Head[] = [];
  let top = 0;
  let row = 0;
  for (const section of all) {
    const own = panels.filter((it) => it.section === section.name);
    if (!bare) {
      heads.push({ section: section.name, top, count: own.length, folded: section.folded });
      top += HEAD;
      if (section.folded) continue;
    }
    let used = 0;
    let high = 0;
    for (const panel of own) {
      const wide = span(panel.columns, width);
      if (used > 0 && used + wide > COLUMNS) {
        top += high + GAP;
        row += 1;
        used = 0;
        high = 0;
      }
      // On whole pixels, where a picture is sharp.
      const left = Math.round(used * column);
      spots.push({ id: panel.id, section: section.name, row, box: { left, top, width: Math.round((used + wide) * column) - GAP - left, height: panel.height } });
      used += wide;
      high = Math.max(high, panel.height);
    }
    top += high + GAP;
    row += 1;
  }
  return { spots, heads, height: top };
}

/** What is near the part of the page that is seen. */
export const seen = (spots: readonly Spot[], from: number, to: number): Spot[] => spots.filter(({ box }) => box.top < to && box.top + box.height > from);

/** Puts a panel before another one, or at the end of a section where there is none. */
export function moved<T extends Placed>(panels: readonly T[], id: string, section: string, before: string | null): T[] {
  const panel = panels.find((it) => it.id === id);
  if (panel === undefined || before === id) return [...panels];
  const rest = panels.filter((it) => it.id !== id);
  const next = { ...panel, section };
  const at = before === null ? rest.findLastIndex((it) => it.section === section) + 1 || rest.length : rest.findIndex((it) => it.id === before);
  return at < 0 ? [...rest, next] : [...rest.slice(0, at), next, ...rest.slice(at)];
}

export type Drop = { readonly section: string; readonly before: string | null };

/**
 * Where a panel that is let go of at a point of the page would come to stand.
 *
 * - Over a panel: before it in its left half, else before the one that follows it in its section.
 * - Over a section's head: at its beginning. Else in the section above, at its end.
 */
export function dropAt(arranged: Arranged, at: { x: number; y: number }, id: string): Drop | null {
  const others = arranged.spots.filter((it) => it.id !== id);
  const head = arranged.heads.findLast((it) => it.top <= at.y) ?? null;
  const section = head?.section ?? arranged.spots[0]?.section;
  if (section === undefined) return null;
  const own = others.filter((it) => it.section === section);
  if (head !== null && at.y < head.top + HEAD) return { section, before: own[0]?.id ?? null };
  const inRow = own.filter(({ box }) => at.y >= box.top - GAP && at.y < box.top + box.height + GAP);
  const over = inRow.find(({ box }) => at.x < box.left + box.width + GAP) ?? inRow.at(-1);
  if (over === undefined) return { section, before: null };
  if (at.x < over.box.left + over.box.width / 2) return { section, before: over.id };
  return { section, before: own[own.indexOf(over) + 1]?.id ?? null };
}

/** The panel that an arrow leads to. */
export function neighbour(spots: readonly Spot[], id: string, key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"): string | null {
  const at = spots.findIndex((it) => it.id === id);
  const from = spots[at];
  if (from === undefined) return null;
  if (key === "ArrowLeft" || key === "ArrowRight") return spots[at + (key === "ArrowLeft" ? -1 : 1)]?.id ?? null;
  const by = key === "ArrowUp" ? -1 : 1;
  const rows = spots.filter((it) => it.row === from.row + by);
  const middle = from.box.left + from.box.width / 2;
  const away = (it: Spot) => Math.abs(it.box.left + it.box.width / 2 - middle);
  return rows.reduce<Spot | null>((best, it) => (best === null || away(it) < away(best) ? it : best), null)?.id ?? null;
}

/**
 * Moves a panel by one place with an arrow; at the edge of its section into the next one.
 */
export function stepped<T extends Placed>(panels: readonly T[], sections: readonly Section[], id: string, by: -1 | 1): T[] {
  const all = sectionsOf(panels, sections);
  const panel = panels.find((it) => it.id === id);
  if (panel === undefined) return [...panels];
  const own = panels.filter((it) => it.section === panel.section);
  const at = own.findIndex((it) => it.id === id);
  const there = own[at + by];
  if (there !== undefined) return moved(panels, id, panel.section, by < 0 ? there.id : (own[at + 2]?.id ?? null));
  const next = all[all.findIndex((it) => it.name === panel.section) + by];
  if (next === undefined) return [...panels];
  return moved(panels, id, next.name, by < 0 ? null : (panels.find((it) => it.section === next.name)?.id ?? null));
}

/** The size after a drag of the corner by so many pixels: whole columns, heights by tens. */
export function resized(panel: Placed, width: number, by: { x: number; y: number }): { columns: number; height: number } {
  const column = (width + GAP) / COLUMNS;
  const columns = Math.round(span(panel.columns, width) + by.x / column);
  return { columns: Math.min(Math.max(columns, 1), COLUMNS), height: Math.min(Math.max(Math.round((panel.height + by.y) / 10) * 10, LEAST_HEIGHT), MOST_HEIGHT) };
}

/** `train/loss` is of the section `train`; what has no such prefix is of the one without a name. */
export function prefixOf(key: string): string {
  const at = key.indexOf("/");
  return at <= 0 ? "" : key.slice(0, at);
}
