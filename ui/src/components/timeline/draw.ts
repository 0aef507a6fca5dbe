// Draws the timeline onto a canvas: five thousand bars are a few milliseconds, where as many elements would be felt.

import type { Status } from "../../lib/bindings";
import { AXIS, BAR, LANE_PAD, ticks, type Placed, type Stacked, type View } from "../../lib/chart/timeline";
import { statusTone } from "../../lib/util/status";

export const LABELS = 92;
const TICKS_APART = 84;
/** About the width of a letter, so that no text has to be measured. */
const LETTER = 6.1;

export type Picture = {
  stacked: Stacked;
  view: View;
  now: number;
  width: number;
  height: number;
  scroll: number;
  current: Placed | null;
  hover: Placed | null;
};

type Colours = Record<"bg" | "panel" | "line" | "line2" | "text" | "dim" | "faint" | "accent" | "run" | "done" | "fail" | "wait" | "pause", string>;

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const names = ["bg", "panel", "line", "line2", "text", "dim", "faint", "accent", "run", "done", "fail", "wait", "pause"] as const;
  return Object.fromEntries(names.map((it) => [it, style.getPropertyValue(`--${it}`).trim()])) as Colours;
}

export const xOf = (at: number, { view, width }: Pick<Picture, "view" | "width">): number => LABELS + ((at - view.from) / (view.to - view.from)) * (width - LABELS);
export const momentOf = (x: number, { view, width }: Pick<Picture, "view" | "width">): number => view.from + ((x - LABELS) / Math.max(width - LABELS, 1)) * (view.to - view.from);

/** Where a bar is on the canvas. */
export function boxOf(it: Placed, picture: Picture): { x: number; y: number; width: number; height: number } {
  const band = picture.stacked.bands[it.lane];
  const left = Math.max(xOf(it.bar.from, picture), LABELS - 2);
  const right = Math.min(xOf(it.bar.to ?? picture.now, picture), picture.width + 2);
  return { x: left, y: AXIS + (band?.top ?? 0) + LANE_PAD + it.row * BAR - picture.scroll + 1, width: Math.max(right - left, 2), height: BAR - 2 };
}

/** A mark for those who do not see the colours apart. */
const MARK: Partial<Record<Status, string>> = { failed: "✕ ", paused: "‖ ", cancelled: "⊘ " };

export function draw(canvas: HTMLCanvasElement, picture: Picture, colours: Colours): void {
  const { width, height, stacked, view, scroll, now } = picture;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const c = canvas.getContext("2d");
  if (c === null) return;
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  c.textBaseline = "middle";
  c.font = "11px 'Inter Variable', sans-serif";

  c.save();
  c.beginPath();
  c.rect(0, AXIS, width, height - AXIS);
  c.clip();
  const marks = ticks(view, width - LABELS, TICKS_APART);
  for (const tick of marks) {
    const x = Math.round(xOf(tick.at, picture)) + 0.5;
    c.fillStyle = tick.day ? colours.line2 : colours.line;
    c.fillRect(x - 0.5, AXIS, 1, height - AXIS);
  }
  for (const band of stacked.bands) {
    const y = AXIS + band.top + band.height - scroll;
    if (y < AXIS || y > height + band.height) continue;
    c.fillStyle = colours.line;
    c.fillRect(0, Math.round(y) - 1, width, 1);
  }
  for (const it of stacked.bars) {
    const end = it.bar.to ?? now;
    if (end < view.from || it.bar.from > view.to) continue;
    const box = boxOf(it, picture);
    if (box.y > height || box.y + box.height < AXIS) continue;
    paint(c, it, box, picture, colours);
  }
  c.restore();

  // The lanes' names stand over what is scrolled beneath them.
  c.fillStyle = colours.bg;
  c.fillRect(0, AXIS, LABELS - 4, height - AXIS);
  c.save();
  c.beginPath();
  c.rect(0, AXIS, LABELS, height - AXIS);
  c.clip();
  for (const band of stacked.bands) {
    const y = AXIS + band.top - scroll;
    c.fillStyle = colours.line;
    c.fillRect(0, Math.round(y + band.height) - 1, LABELS, 1);
    c.fillStyle = band.lane.present ? colours.dim : colours.faint;
    c.fillText(clipped(band.lane.label, LABELS - 24), 16, y + LANE_PAD + BAR / 2);
  }
  c.restore();

  c.fillStyle = colours.bg;
  c.fillRect(0, 0, width, AXIS);
  c.fillStyle = colours.line;
  c.fillRect(0, AXIS - 1, width, 1);
  c.textAlign = "center";
  for (const tick of marks) {
    const x = xOf(tick.at, picture);
    if (x < LABELS + 18 || x > width - 24) continue;
    c.fillStyle = tick.day ? colours.dim : colours.faint;
    c.fillText(tick.label, x, AXIS / 2);
  }
  const x = xOf(now, picture);
  if (x >= LABELS && x <= width) {
    c.fillStyle = colours.accent;
    c.fillRect(Math.round(x), AXIS - 5, 1, height);
    c.beginPath();
    c.arc(Math.round(x) + 0.5, AXIS - 5, 3, 0, Math.PI * 2);
    c.fill();
  }
  c.textAlign = "left";
}

function paint(c: CanvasRenderingContext2D, it: Placed, box: ReturnType<typeof boxOf>, picture: Picture, colours: Colours): void {
  const colour = colours[statusTone(it.bar.status)];
  const hovered = picture.hover === it;
  c.beginPath();
  c.roundRect(box.x, box.y, box.width, box.height, Math.min(4, box.width / 2));
  c.globalAlpha = hovered ? 0.34 : 0.2;
  c.fillStyle = colour;
  c.fill();
  c.globalAlpha = 1;
  // A strong edge at the left says where it begins, and what became of it.
  c.fillRect(box.x, box.y, Math.min(3, box.width), box.height);
  if (picture.current === it) {
    c.lineWidth = 2;
    c.strokeStyle = colours.accent;
    c.stroke();
  }
  const room = box.width - 12;
  if (room < 22) return;
  const text = clipped((MARK[it.bar.status] ?? "") + it.bar.name, room);
  if (text === "") return;
  c.fillStyle = colours.text;
  c.fillText(text, Math.max(box.x, LABELS) + 8, box.y + box.height / 2 + 0.5);
}

function clipped(text: string, room: number): string {
  const most = Math.floor(room / LETTER);
  if (text.length <= most) return text;
  return most < 3 ? "" : `${text.slice(0, most - 1).trimEnd()}…`;
}
