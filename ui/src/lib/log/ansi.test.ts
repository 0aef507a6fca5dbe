import { expect, test } from "vitest";
import { carry, parse, PLAIN, strip } from "./ansi";

const E = "\x1b";
const texts = (text: string) => parse(text, PLAIN).spans.map((it) => it.text);

test.each([
  ["plain", ["plain"]],
  [`a${E}[31mb${E}[0mc`, ["a", "b", "c"]],
  [`${E}[2Kcleared`, ["cleared"]],
  [`${E}[1;32mok${E}[m done`, ["ok", " done"]],
  [`${E}]0;a title\x07text`, ["text"]],
  [`${E}]8;;https://example.org${E}\\link${E}]8;;${E}\\`, ["link"]],
  [`${E}[?25lhidden cursor${E}[?25h`, ["hidden cursor"]],
  [`bell\x07 and back\x08space`, ["bell and backspace"]],
  [`${E}(B charset`, [" charset"]],
  [`cut off ${E}[3`, ["cut off ", "3"]],
  ["", []],
])("%j is shown as %j", (text, expected) => {
  // A sequence that is cut off loses its introducer only: nothing that a person wrote is lost.
  expect(texts(text).join("")).toBe(expected.join(""));
});

test("colours, weights and their ends", () => {
  const { spans, end } = parse(`${E}[1;4;38;5;208mhot${E}[22;39m ${E}[48;2;1;2;300mbg${E}[7minv`, PLAIN);
  expect(spans[0]?.style).toMatchObject({ bold: true, underline: true, foreground: "rgb(255 135 0)" });
  expect(spans[1]?.style).toMatchObject({ bold: false, underline: true, foreground: null });
  expect(spans[2]?.style.background).toBe("rgb(1 2 255)");
  expect(end).toMatchObject({ inverse: true, underline: true });
});

test.each([
  [`${E}[31m`, { foreground: 1 }],
  [`${E}[97m`, { foreground: 15 }],
  [`${E}[104m`, { background: 12 }],
  [`${E}[38;5;9m`, { foreground: 9 }],
  [`${E}[38;5;240m`, { foreground: "rgb(88 88 88)" }],
  [`${E}[38;5;999m`, { foreground: null }],
  [`${E}[38m`, { foreground: null }],
])("%j selects %j", (text, expected) => {
  expect(carry(text, PLAIN)).toMatchObject(expected);
});

test("what is reset is the plain style itself", () => {
  expect(carry(`${E}[31m text ${E}[39m`, PLAIN)).toBe(PLAIN);
});

test("without sequences nothing is copied", () => {
  expect(strip("a line")).toBe("a line");
  expect(strip(`${E}[31ma${E}[0m line`)).toBe("a line");
});
