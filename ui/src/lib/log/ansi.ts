// ANSI escape sequences, as far as a log needs them.
//
// Colours and weights (SGR) become spans; every other sequence is taken out of the text. The state goes on from line
// to line, as on a terminal, so the model remembers it at each line's beginning. (anser starts each call afresh and
// leaves operating-system commands and links in the text, so this is written here.)

/** A colour: an index into the theme's sixteen, or one of its own. */
export type Colour = number | string;

export type Style = {
  readonly foreground: Colour | null;
  readonly background: Colour | null;
  readonly bold: boolean;
  readonly faint: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
};

export const PLAIN: Style = Object.freeze({
  foreground: null,
  background: null,
  bold: false,
  faint: false,
  italic: false,
  underline: false,
  inverse: false,
});

export type Span = { text: string; style: Style };

// CSI … letter, OSC … (BEL or ST), DCS and the like … ST, two-character escapes, and bare control characters.
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** Whether there is anything in the text that is not shown as it stands. */
export function hasControl(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /[\x00-\x08\x0b-\x1f\x7f]/.test(text);
}

/** The text as spans of one style each, and the style that holds after it. */
export function parse(text: string, start: Style): { spans: Span[]; end: Style } {
  if (!hasControl(text)) return { spans: text === "" ? [] : [{ text, style: start }], end: start };
  const spans: Span[] = [];
  let style = start;
  let from = 0;
  const flush = (to: number) => {
    if (to <= from) return;
    const piece = text.slice(from, to);
    const last = spans.at(-1);
    if (last !== undefined && last.style === style) last.text += piece;
    else spans.push({ text: piece, style });
  };
  SEQUENCE.lastIndex = 0;
  for (let match = SEQUENCE.exec(text); match !== null; match = SEQUENCE.exec(text)) {
    flush(match.index);
    if (match[2] === "m") style = select(style, match[1] ?? "");
    from = match.index + match[0].length;
  }
  flush(text.length);
  return { spans, end: style };
}

/** The text without any sequence. */
export function strip(text: string): string {
  return hasControl(text) ? text.replace(SEQUENCE, "") : text;
}

/** The style that holds after a text. */
export function carry(text: string, start: Style): Style {
  if (!text.includes("\x1b[")) return start;
  let style = start;
  // eslint-disable-next-line no-control-regex
  for (const match of text.matchAll(/\x1b\[([0-9:;]*)m/g)) style = select(style, match[1] ?? "");
  return style;
}

/** Select Graphic Rendition: one sequence may carry several parameters. */
function select(style: Style, parameters: string): Style {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map((it) => (it === "" ? 0 : Number(it)));
  let next = style;
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, faint: true };
    else if (code === 3) next = { ...next, italic: true };
    else if (code === 4) next = { ...next, underline: true };
    else if (code === 7) next = { ...next, inverse: true };
    else if (code === 22) next = { ...next, bold: false, faint: false };
    else if (code === 23) next = { ...next, italic: false };
    else if (code === 24) next = { ...next, underline: false };
    else if (code === 27) next = { ...next, inverse: false };
    else if (code >= 30 && code <= 37) next = { ...next, foreground: code - 30 };
    else if (code === 39) next = { ...next, foreground: null };
    else if (code >= 40 && code <= 47) next = { ...next, background: code - 40 };
    else if (code === 49) next = { ...next, background: null };
    else if (code >= 90 && code <= 97) next = { ...next, foreground: code - 90 + 8 };
    else if (code >= 100 && code <= 107) next = { ...next, background: code - 100 + 8 };
    else if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes.slice(i + 1));
      i += taken;
      if (colour !== null) next = code === 38 ? { ...next, foreground: colour } : { ...next, background: colour };
    }
  }
  return isPlain(next) ? PLAIN : next;
}

function isPlain(style: Style): boolean {
  return (
    style.foreground === null && style.background === null && !style.bold && !style.faint && !style.italic &&
    !style.underline && !style.inverse
  );
}

/** What follows 38 or 48: `5;n` of the 256, or `2;r;g;b`. Answers how many numbers it took. */
function extended(codes: number[]): [Colour | null, number] {
  if (codes[0] === 5 && codes[1] !== undefined) return [palette(codes[1]), 2];
  const [, red, green, blue] = codes;
  if (codes[0] === 2 && red !== undefined && green !== undefined && blue !== undefined) {
    return [`rgb(${byte(red)} ${byte(green)} ${byte(blue)})`, 4];
  }
  return [null, codes.length];
}

function palette(index: number): Colour | null {
  if (!Number.isInteger(index) || index < 0 || index > 255) return null;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (it: number) => (it === 0 ? 0 : 55 + it * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

const byte = (value: number): number => Math.max(0, Math.min(255, Math.trunc(value)));
