// A part of a log as lines, whatever the pieces in which it came.
//
// - A line ends with \n or \r\n. A lone \r starts the line anew: only its last state is kept, so a progress bar that
//   was redrawn a thousand times is one line.
// - The loaded part is bounded. What no longer fits goes from the beginning, and can be read again from the engine.
// - Byte offsets are the engine's. They are known at the seams between pieces, where the part is cut, and at the
//   beginnings of lines: from the text's length in UTF-8, or as the engine says where that does not tell.

import { carry, PLAIN, type Style } from "./ansi";
import type { Chunk } from "./source";

export type Line = {
  /** Goes on across loading and dropping, so that a list can key its rows by it. */
  readonly id: number;
  readonly text: string;
  /** The style at its beginning. */
  readonly style: Style;
  /** Where in the log it begins. Of one stream it may be earlier, but never before the end of the line before. */
  readonly offset: number;
};

type Piece = { start: number; next: number; text: string; lines: readonly number[] | undefined };

/** Characters kept before the beginning is dropped, and what is left then. */
export const KEEP_AT_MOST = 12 * 1024 * 1024;
export const KEEP_AT_LEAST = 6 * 1024 * 1024;

export class LogModel {
  #pieces: Piece[] = [];
  #size = 0;
  #lines: Line[] = [];
  /** What follows the last line end, without the states that a \r has replaced. */
  #open = "";
  #openAt = 0;
  #style: Style = PLAIN;
  #nextId = 0;

  /** Offsets of the loaded part, and of what the engine keeps. */
  start = 0;
  next = 0;
  oldest = 0;
  end = 0;
  ended = false;
  generation = 0;

  constructor(
    private readonly keepAtMost = KEEP_AT_MOST,
    private readonly keepAtLeast = KEEP_AT_LEAST,
  ) {}

  /** All whole lines, and the open one if there is something in it. A new array each time. */
  get lines(): Line[] {
    const open = visible(this.#open);
    return open === "" ? [...this.#lines] : [...this.#lines, { id: this.#nextId, text: open, style: this.#style, offset: this.#openAt }];
  }

  /** How many lines there are in all loaded text, without making them. */
  get count(): number {
    return this.#lines.length + (visible(this.#open) === "" ? 0 : 1);
  }

  /** Characters that are loaded. */
  get size(): number {
    return this.#size;
  }

  /** Forgets everything and begins with this piece. */
  reset(chunk: Chunk): void {
    this.#pieces = [];
    this.#size = 0;
    this.#lines = [];
    this.#open = "";
    this.#style = PLAIN;
    this.start = chunk.start;
    this.next = chunk.start;
    this.#openAt = chunk.start;
    this.#take(chunk);
    this.#push(piece(chunk));
  }

  /**
   * Adds the piece that follows. A piece that does not begin where the last one ended (because that part was rotated
   * away meanwhile) begins anew. With `whole` nothing is dropped, because somebody is reading there. Answers whether
   * the beginning was dropped or replaced.
   */
  append(chunk: Chunk, whole = false): boolean {
    if (chunk.generation !== this.generation || chunk.start !== this.next) {
      this.reset(chunk);
      return true;
    }
    this.#take(chunk);
    this.#push(piece(chunk));
    return !whole && this.#bound();
  }

  /** Adds the piece that comes before. Answers how many lines were added; a piece that does not fit adds none. */
  prepend(chunk: Chunk): number {
    if (chunk.generation !== this.generation || chunk.next !== this.start || chunk.next === chunk.start) return 0;
    const before = this.count;
    this.oldest = chunk.oldest;
    this.#pieces.unshift(piece(chunk));
    this.start = chunk.start;
    this.#rebuild();
    return this.count - before;
  }

  #take(chunk: Chunk): void {
    this.generation = chunk.generation;
    this.oldest = chunk.oldest;
    this.end = Math.max(chunk.end, chunk.next);
    this.ended = chunk.ended;
  }

  #push(piece: Piece): void {
    this.next = piece.next;
    if (piece.text === "" && piece.start === piece.next) return;
    this.#pieces.push(piece);
    this.#size += piece.text.length;
    this.#read(piece);
  }

  #read({ text, start, next, lines }: Piece): void {
    const ascii = next - start === text.length;
    let from = 0;
    let behind = start;
    let index = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.#close(this.#open === "" ? text.slice(from, at) : this.#open + text.slice(from, at));
      this.#open = "";
      behind = lines?.[index] ?? behind + (ascii ? at + 1 - from : bytesOf(text, from, at + 1));
      this.#openAt = behind;
      index += 1;
      from = at + 1;
    }
    if (from === text.length) return;
    const rest = this.#open + text.slice(from);
    // Everything before the last \r that has something after it will never be seen: only its colours matter.
    const redrawn = lastRedraw(rest);
    if (redrawn > 0) {
      this.#style = carry(rest.slice(0, redrawn), this.#style);
      this.#open = rest.slice(redrawn);
    } else {
      this.#open = rest;
    }
  }

  #close(raw: string): void {
    const whole = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const from = lastRedraw(whole);
    const style = from > 0 ? carry(whole.slice(0, from), this.#style) : this.#style;
    const text = visible(from > 0 ? whole.slice(from) : whole);
    this.#lines.push({ id: this.#nextId, text, style, offset: this.#openAt });
    this.#nextId += 1;
    this.#style = carry(text, style);
  }

  /** Reads all pieces again; the last line keeps its id. */
  #rebuild(): void {
    const last = this.#nextId;
    this.#lines = [];
    this.#open = "";
    this.#openAt = this.#pieces[0]?.start ?? this.next;
    this.#style = PLAIN;
    this.#nextId = 0;
    this.#size = 0;
    for (const piece of this.#pieces) {
      this.#size += piece.text.length;
      this.#read(piece);
    }
    const shift = last - this.#nextId;
    this.#lines = this.#lines.map((it) => ({ ...it, id: it.id + shift }));
    this.#nextId = last;
  }

  #bound(): boolean {
    if (this.#size <= this.keepAtMost || this.#pieces.length < 2) return false;
    let size = this.#size;
    let drop = 0;
    while (drop < this.#pieces.length - 1 && size > this.keepAtLeast) {
      size -= this.#pieces[drop]?.text.length ?? 0;
      drop += 1;
    }
    this.#pieces = this.#pieces.slice(drop);
    this.start = this.#pieces[0]?.start ?? this.next;
    this.#rebuild();
    return true;
  }
}

const piece = ({ start, next, text, lines }: Chunk): Piece => ({ start, next, text, lines });

/** The length of a part of a text in UTF-8. */
function bytesOf(text: string, from: number, to: number): number {
  let length = 0;
  for (let i = from; i < to; i += 1) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair counts two of the four bytes.
    length += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return length;
}

/** Where the last state of a redrawn line begins: after the last \r that has something after it. */
function lastRedraw(text: string): number {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 13) end -= 1;
  if (end === 0) return 0;
  return text.lastIndexOf("\r", end - 1) + 1;
}

/** Without the carriage returns at the end that nothing has followed yet. */
function visible(text: string): string {
  return text.endsWith("\r") ? text.replace(/\r+$/, "") : text;
}
