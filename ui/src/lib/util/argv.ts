// A typed command line as the arguments that a program would get, without a shell.

export type Split =
  | { ok: true; argv: string[]; shell: string[] }
  /** What is not closed, and where it opens. */
  | { ok: false; problem: string; at: number };

/** What only a shell understands, longest first. */
const OPERATORS = ["&&", "||", ">>", "<<", "|", "&", ";", ">", "<", "`", "$("];

/**
 * Splits a line into words.
 *
 * - Quotes and backslashes mean what they mean to a POSIX shell: nothing is special inside '…'; inside "…" a
 *   backslash takes the meaning of $, `, ", \ and a line end only.
 * - Nothing is expanded: `*`, `~` and `$HOME` stay as they are.
 * - `shell` names what stood outside quotes and only a shell would carry out, so that the window can offer one.
 */
export function splitCommand(line: string): Split {
  const argv: string[] = [];
  const shell = new Set<string>();
  let word = "";
  let inWord = false;
  let i = 0;
  const end = () => {
    if (inWord) argv.push(word);
    word = "";
    inWord = false;
  };
  while (i < line.length) {
    const char = line.charAt(i);
    if (char === "'") {
      const close = line.indexOf("'", i + 1);
      if (close < 0) return { ok: false, problem: "A ' is not closed.", at: i };
      word += line.slice(i + 1, close);
      inWord = true;
      i = close + 1;
    } else if (char === '"') {
      const open = i;
      inWord = true;
      i += 1;
      for (;;) {
        if (i >= line.length) return { ok: false, problem: 'A " is not closed.', at: open };
        const inner = line.charAt(i);
        if (inner === '"') break;
        if (inner === "\\" && i + 1 < line.length && '$`"\\\n'.includes(line.charAt(i + 1))) {
          if (line.charAt(i + 1) !== "\n") word += line.charAt(i + 1);
          i += 2;
        } else {
          if (/^\$[A-Za-z_({]/.test(line.slice(i, i + 2))) shell.add("$");
          word += inner;
          i += 1;
        }
      }
      i += 1;
    } else if (char === "\\") {
      if (i + 1 >= line.length) return { ok: false, problem: "The line ends with a \\.", at: i };
      word += line.charAt(i + 1);
      inWord = true;
      i += 2;
    } else if (/\s/.test(char)) {
      end();
      i += 1;
    } else {
      const operator = OPERATORS.find((it) => line.startsWith(it, i));
      if (operator !== undefined) shell.add(operator);
      else if (/^\$[A-Za-z_{]/.test(line.slice(i, i + 2))) shell.add("$");
      else if (char === "*" || (char === "~" && !inWord)) shell.add(char);
      const taken = operator ?? char;
      word += taken;
      inWord = true;
      i += taken.length;
    }
  }
  end();
  return { ok: true, argv, shell: [...shell] };
}

/** The arguments as one line that `splitCommand` would take apart again. */
export function joinCommand(argv: readonly string[]): string {
  return argv.map((it) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(it) ? it : `'${it.replaceAll("'", "'\\''")}'`)).join(" ");
}
