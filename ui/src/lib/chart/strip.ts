// The course of a reading over the last minutes, drawn onto a canvas: a new sample costs a few hundred strokes and
// touches no element of the page.

export type Point = {
  at: number;
  /** Milliseconds after which the next was due. */
  pace: number;
  value: number | null;
};

/** What comes later than so many times the pace is not joined to what was before: nobody was looking in between. */
const BREAK = 4;

export type Box = { width: number; height: number };

/**
 * The points as runs of pixels, oldest first. A value that is missing, or a gap in time, ends a run.
 *
 * - `span` milliseconds up to `now` fill the width; what is older is left out, but for the one point before the edge.
 * - `most` is the value at the top; more than that is drawn there.
 */
export function runs(points: readonly Point[], now: number, span: number, most: number, box: Box): [number, number][][] {
  const first = now - span;
  let begin = points.findIndex((it) => it.at >= first);
  if (begin < 0) return [];
  begin = Math.max(begin - 1, 0);
  const found: [number, number][][] = [];
  let run: [number, number][] | null = null;
  let due = -Infinity;
  for (let i = begin; i < points.length; i += 1) {
    const point = points[i];
    if (point === undefined) break;
    const { at, pace, value } = point;
    if (value === null || !Number.isFinite(value)) {
      run = null;
      continue;
    }
    if (run === null || at > due) found.push((run = []));
    const x = ((at - first) / span) * box.width;
    const y = box.height - 1 - (Math.min(Math.max(value, 0), most) / (most || 1)) * (box.height - 2);
    run.push([x, y]);
    due = at + pace * BREAK;
  }
  return found;
}

/** Draws it in the canvas's own text colour. */
export function drawStrip(canvas: HTMLCanvasElement, points: readonly Point[], now: number, span: number, most: number): void {
  const box = { width: canvas.clientWidth, height: canvas.clientHeight };
  if (box.width === 0 || box.height === 0) return;
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(box.width * scale), Math.round(box.height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const c = canvas.getContext("2d");
  if (c === null) return;
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, box.width, box.height);
  const colour = getComputedStyle(canvas).color;
  c.fillStyle = colour;
  c.strokeStyle = colour;
  c.lineWidth = 1.3;
  c.lineJoin = "round";
  for (const run of runs(points, now, span, most, box)) {
    const [head] = run;
    const tail = run.at(-1);
    if (head === undefined || tail === undefined) continue;
    c.beginPath();
    c.moveTo(head[0], head[1]);
    for (const [x, y] of run) c.lineTo(x, y);
    if (run.length === 1) c.lineTo(tail[0] + 1, tail[1]);
    c.stroke();
    c.lineTo(tail[0], box.height);
    c.lineTo(head[0], box.height);
    c.globalAlpha = 0.14;
    c.fill();
    c.globalAlpha = 1;
  }
}
