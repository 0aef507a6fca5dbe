// Names beside each other in little room: what they all begin with says nothing, and hides where they differ.

/** From so many characters on, what names begin with is left out. */
const LONG = 14;

/** What all names begin with, up to the last place where a word ends; empty if that is short or all of a name. */
export function sharedStart(names: readonly string[]): string {
  const [first = "", ...others] = names;
  if (others.length === 0) return "";
  let length = first.length;
  for (const name of others) {
    let same = 0;
    while (same < length && name[same] === first[same]) same += 1;
    length = same;
  }
  const words = /^.*[\s/_,;|-]/s.exec(first.slice(0, length))?.[0] ?? "";
  return words.length < LONG || names.some((it) => it.length === words.length) ? "" : words;
}

/** A name without what it shares with others, which are those of `sharedStart`. */
export const withoutStart = (name: string, start: string): string => (start !== "" && name.length > start.length && name.startsWith(start) ? `…${name.slice(start.length)}` : name);

/** Names of a list, each without what all begin with. */
export function apart(names: readonly string[]): string[] {
  const start = sharedStart(names);
  return names.map((it) => withoutStart(it, start));
}
