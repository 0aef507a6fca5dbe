// The colours of a query while it is typed: words only. What it means, and whether it holds, says the engine.

export type Piece = { text: string; kind: "field" | "operator" | "word" | "number" | "text" | "plain" | "space" };

const OPERATOR = /^(?:!=|>=|<=|=|>|<|~|:)/;
const WORD = /^(?:and|or|not|in|has|is)$/i;
const NUMBER = /^[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?(?:ms|s|m|h|d|w|y)?|nan|inf(?:inity)?)$/i;
const DAY = /^\d{4}-\d{2}(?:-\d{2})?$/;

/** The query in pieces that are the whole of it when put together again. */
export function pieces(query: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  while (at < query.length) {
    const rest = query.slice(at);
    const space = /^\s+/.exec(rest)?.[0];
    const operator = OPERATOR.exec(rest)?.[0];
    let piece: Piece;
    if (space !== undefined) piece = { text: space, kind: "space" };
    else if (/^[(),]/.test(rest)) piece = { text: rest[0] ?? "", kind: "plain" };
    else if (operator !== undefined) piece = { text: operator, kind: "operator" };
    else piece = word(rest, lastOf(found));
    found.push(piece);
    at += piece.text.length;
  }
  return found;
}

const lastOf = (found: readonly Piece[]): Piece | undefined => found.findLast((it) => it.kind !== "space");

function word(rest: string, before: Piece | undefined): Piece {
  const text = run(rest);
  // After an operator, in a list or after `in (`, it is a value.
  const value = before !== undefined && (before.kind === "operator" || before.text === "(" || before.text === ",");
  const quoted = text.startsWith('"');
  if (NUMBER.test(text) || DAY.test(text)) return { text, kind: "number" };
  if (!quoted && WORD.test(text)) return { text, kind: "word" };
  const then = rest.slice(text.length).trimStart();
  const named = OPERATOR.test(then) || /^(?:not\s+)?in\s*\(/i.test(then) || before?.text.toLowerCase() === "has" || /^(?:config|metrics)\./.test(text);
  if (named && !(value && before.kind === "operator") && !quoted) return { text, kind: "field" };
  return { text, kind: value || quoted ? "text" : "plain" };
}

/** Up to where a word goes: a name may have quoted parts, a quoted text may not have ended yet. */
function run(rest: string): string {
  let at = 0;
  while (at < rest.length) {
    const sign = rest[at] ?? "";
    if (sign === '"') {
      let end = at + 1;
      while (end < rest.length && rest[end] !== '"') end += rest[end] === "\\" ? 2 : 1;
      at = Math.min(end + 1, rest.length);
      // A quoted part of a name goes on with a dot; anything else ends with its quotes.
      if (rest[at] !== ".") return rest.slice(0, at);
      continue;
    }
    if (/[\s(),=<>~]/.test(sign) || (sign === "!" && rest[at + 1] === "=") || (sign === ":" && at > 0)) break;
    at += 1;
  }
  return rest.slice(0, Math.max(at, 1));
}

/** A word as a text of the query language. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** A query and one more condition. */
export function narrowed(query: string, condition: string): string {
  const now = query.trim();
  if (now === "") return condition;
  return /\bor\b/i.test(now) ? `(${now}) and ${condition}` : `${now} and ${condition}`;
}
