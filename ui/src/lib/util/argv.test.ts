import { expect, test } from "vitest";
import { joinCommand, splitCommand } from "./argv";

test.each<[string, string[], string[]]>([
  ["", [], []],
  ["  ", [], []],
  ["python3 train.py --lr 3e-4", ["python3", "train.py", "--lr", "3e-4"], []],
  ["a  b\tc", ["a", "b", "c"], []],
  ["echo 'a b' \"c d\"", ["echo", "a b", "c d"], []],
  ["a'b'\"c\"d", ["abcd"], []],
  ["x '' \"\"", ["x", "", ""], []],
  [String.raw`a\ b c\\d`, ["a b", String.raw`c\d`], []],
  [String.raw`"a\"b" "c\d"`, [`a"b`, String.raw`c\d`], []],
  ["a 'it'\\''s'", ["a", "it's"], []],
  ["a | b", ["a", "|", "b"], ["|"]],
  ["a && b > c", ["a", "&&", "b", ">", "c"], ["&&", ">"]],
  ["a 2>&1", ["a", "2>&1"], [">", "&"]],
  ["echo $HOME \"$USER\"", ["echo", "$HOME", "$USER"], ["$"]],
  ["echo '$HOME | x'", ["echo", "$HOME | x"], []],
  ["ls *.py ~/x a~", ["ls", "*.py", "~/x", "a~"], ["*", "~"]],
  ["a $(b)", ["a", "$(b)"], ["$("]],
  ["price 5$ a$", ["price", "5$", "a$"], []],
])("%j gives %j, with %j for a shell", (line, argv, shell) => {
  expect(splitCommand(line)).toEqual({ ok: true, argv, shell });
});

test.each([
  ["a 'b", 2],
  ['a "b', 2],
  ["a \\", 2],
])("%j is not closed", (line, at) => {
  const split = splitCommand(line);
  expect(split).toMatchObject({ ok: false, at });
});

test("a joined command splits into the same arguments", () => {
  for (const argv of [["a", "b c"], ["it's", ""], ["$HOME", "*", "a|b"], ["--x=1", "ü", '"q"', "back\\slash", "new\nline"]]) {
    expect(splitCommand(joinCommand(argv))).toEqual({ ok: true, argv, shell: [] });
  }
});
