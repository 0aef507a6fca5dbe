import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { PLAIN } from "../lib/log/ansi";
import LogLine from "./LogLine.svelte";

afterEach(cleanup);
const props = { wrap: false, open: false, places: [], now: false, onopen: () => {}, onwidth: () => {} };
const line = (text: string) => ({ id: 1, text, style: PLAIN, offset: 0 });

test("colours are classes, and text is text", () => {
  const { container } = render(LogLine, { ...props, line: line("\x1b[31m<img src=x>\x1b[0m &amp; more") });
  expect(container.textContent).toBe("<img src=x> &amp; more");
  expect(container.querySelector("img")).toBe(null);
  expect(container.querySelector("span")?.classList.contains("f1")).toBe(true);
});

test("bold takes the bright colour, as terminals do", () => {
  const { container } = render(LogLine, { ...props, line: line("\x1b[1;32mok") });
  expect(container.querySelector("span")?.className).toMatch(/f10 bold/);
});

test("what was found is marked within the line", () => {
  const place = { from: 3, to: 7 };
  const { container } = render(LogLine, { ...props, line: line("ab \x1b[33mlo\x1b[0mss"), places: [place], now: true });
  expect([...container.querySelectorAll("mark.now")].map((it) => it.textContent)).toEqual(["lo", "ss"]);
});

test("a long line is cut, and shown on request", () => {
  const onopen = vi.fn();
  const { container, getByRole } = render(LogLine, { ...props, line: line("x".repeat(1024 * 1024)), onopen });
  expect(container.textContent?.length).toBeLessThan(4_100);
  const more = getByRole("button", { name: "… 1.0 MiB line, show more" });
  more.click();
  expect(onopen).toHaveBeenCalledOnce();
});
