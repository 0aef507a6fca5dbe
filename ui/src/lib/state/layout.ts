// Where each line of the queue's list stands: heads, groups and rows, told by place and by pixel.
//
// Every kind of line has one height, so that a hundred thousand of them need no measuring: a place is found by a walk
// over a few blocks. Pure.

import type { Group } from "../bindings";
import type { Section } from "../util/status";

export const ROW = 30;
export const HEAD = 38;
export const SUBHEAD = 26;

/** Something that has rows in three sections. */
export type Source = { count(section: Section): number };

type At = { key: string; section: Section; place: number; top: number; count: number; height: number };

export type Block<S extends Source = Source> =
  | (At & { kind: "head"; total: number; shown: number })
  | (At & { kind: "group"; group: Group; open: boolean })
  /** Names the columns of an open group. */
  | (At & { kind: "members"; group: Group })
  /** Rows of a list; `of` is the part of that list, which for members may differ from where their group stands. */
  | (At & { kind: "rows"; list: S; of: Section; group: Group | null; axes: readonly string[] });

export type Shown<S extends Source> = {
  section: Section;
  /** How many there are in all, those in closed groups included. */
  total: number;
  groups: readonly Group[];
};

const NONE: readonly string[] = [];

export class Layout<S extends Source = Source> {
  readonly blocks: Block<S>[] = [];
  readonly length: number;
  readonly height: number;

  constructor(sections: readonly Shown<S>[], list: S, open: ReadonlyMap<string, S>) {
    let place = 0;
    let top = 0;
    const add = (block: Block<S>) => {
      if (block.count === 0) return;
      block.place = place;
      block.top = top;
      place += block.count;
      top += block.count * block.height;
      this.blocks.push(block);
    };
    for (const { section, total, groups } of sections) {
      const shown = list.count(section);
      if (shown === 0 && groups.length === 0) continue;
      const at = { section, place: 0, top: 0 };
      add({ ...at, kind: "head", key: section, count: 1, height: HEAD, total, shown });
      for (const group of groups) {
        const members = open.get(group.name);
        add({ ...at, kind: "group", key: `group ${group.name}`, count: 1, height: ROW, group, open: members !== undefined });
        if (members === undefined) continue;
        const axes = group.sweep?.axes.map((it) => it.key) ?? [];
        if (axes.length > 0) add({ ...at, kind: "members", key: `members ${group.name}`, count: 1, height: SUBHEAD, group });
        for (const of of ["active", "waiting", "finished"] as const) {
          add({ ...at, kind: "rows", key: `rows ${group.name} ${of}`, count: members.count(of), height: ROW, list: members, of, group, axes });
        }
      }
      add({ ...at, kind: "rows", key: `rows ${section}`, count: shown, height: ROW, list, of: section, group: null, axes: NONE });
    }
    this.length = place;
    this.height = top;
  }

  /** The block in which a place is, and its index there. */
  at(place: number): { block: Block<S>; index: number } | null {
    const block = this.#search((it) => place < it.place + it.count);
    return block === undefined || place < 0 ? null : { block, index: place - block.place };
  }

  topOf(place: number): number {
    const found = this.at(place);
    return found === null ? this.height : found.block.top + found.index * found.block.height;
  }

  heightOf(place: number): number {
    return this.at(place)?.block.height ?? 0;
  }

  /** The place at a pixel from the top of the list; the last one below the end. */
  placeAt(y: number): number {
    const block = this.#search((it) => y < it.top + it.count * it.height);
    if (block === undefined) return this.length - 1;
    return block.place + Math.max(0, Math.floor((y - block.top) / block.height));
  }

  rowsOf(list: S, of: Section): Extract<Block<S>, { kind: "rows" }> | undefined {
    return this.blocks.find((it): it is Extract<Block<S>, { kind: "rows" }> => it.kind === "rows" && it.list === list && it.of === of);
  }

  /** The first block of which it is true, where it is false for all before and true for all after. */
  #search(isPast: (block: Block<S>) => boolean): Block<S> | undefined {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.blocks[middle];
      if (block !== undefined && isPast(block)) high = middle;
      else low = middle + 1;
    }
    return this.blocks[low];
  }
}
