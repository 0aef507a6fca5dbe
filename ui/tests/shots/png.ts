// Makes a screenshot's file a third as large: an image of a window has few colours that matter, and PNG can name them.

import { deflateSync, inflateSync } from "node:zlib";

type Image = { width: number; height: number; /** Red, green and blue, 8 bits each. */ rgb: Uint8Array };

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MOST = 128;
/** So many of the most frequent colours stay exactly what they are: the grounds, the text, the lines. */
const KEPT = 80;

/** The same picture with at most 128 colours. Takes what Chromium writes: 8 bits, no interlacing, no transparency. */
export function reduced(png: Buffer): Buffer {
  const { width, height, rgb } = decode(png);
  const counts = new Map<number, number>();
  for (let i = 0; i < rgb.length; i += 3) {
    const colour = (rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = choose(counts);
  const place = new Map<number, number>();
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 3) {
      const colour = (rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!;
      let index = place.get(colour);
      if (index === undefined) place.set(colour, (index = nearest(palette, colour)));
      rows[y * (width + 1) + 1 + x] = index;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((it) => [it >> 16, (it >> 8) & 255, it & 255]));
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("PLTE", colours), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** The most frequent colours, and one for each group of the others that lie close together. */
function choose(counts: Map<number, number>): number[] {
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  if (sorted.length <= MOST) return sorted.map(([colour]) => colour);
  const palette = sorted.slice(0, KEPT).map(([colour]) => colour);
  // Median cut: the group that spreads widest is divided at its median, until there are enough.
  const groups = [sorted.slice(KEPT)];
  const spread = (group: [number, number][], shift: number) => {
    const values = group.map(([colour]) => (colour >> shift) & 255);
    return values.reduce((most, it) => Math.max(most, it), 0) - values.reduce((least, it) => Math.min(least, it), 255);
  };
  while (palette.length + groups.length < MOST) {
    let best = { at: -1, shift: 0, spread: 0 };
    groups.forEach((group, at) => {
      for (const shift of [16, 8, 0]) {
        const by = spread(group, shift);
        if (by > best.spread) best = { at, shift, spread: by };
      }
    });
    const group = groups[best.at];
    if (group === undefined) break;
    group.sort((a, b) => ((a[0] >> best.shift) & 255) - ((b[0] >> best.shift) & 255));
    groups.splice(best.at, 1, group.slice(0, group.length >> 1), group.slice(group.length >> 1));
  }
  for (const group of groups) {
    const total = group.reduce((sum, it) => sum + it[1], 0);
    const mean = (shift: number) => Math.round(group.reduce((sum, it) => sum + ((it[0] >> shift) & 255) * it[1], 0) / total);
    if (total > 0) palette.push((mean(16) << 16) | (mean(8) << 8) | mean(0));
  }
  return palette;
}

function nearest(palette: number[], colour: number): number {
  let best = 0;
  let least = Infinity;
  palette.forEach((it, index) => {
    const distance = ((it >> 16) - (colour >> 16)) ** 2 + (((it >> 8) & 255) - ((colour >> 8) & 255)) ** 2 + ((it & 255) - (colour & 255)) ** 2;
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

// The file format: https://www.w3.org/TR/png/

function decode(png: Buffer): Image {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error("this is no PNG file");
  let width = 0;
  let height = 0;
  let channels = 3;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      if (body[8] !== 8 || (body[9] !== 2 && body[9] !== 6) || body[12] !== 0) throw new Error("not the kind of PNG that Chromium writes");
      channels = body[9] === 6 ? 4 : 3;
    } else if (kind === "IDAT") data.push(body);
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const rgb = new Uint8Array(width * height * 3);
  let before = new Uint8Array(stride);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0;
    const line = new Uint8Array(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let x = 0; x < stride; x += 1) {
      const left = x >= channels ? line[x - channels]! : 0;
      const up = before[x]!;
      const corner = x >= channels ? before[x - channels]! : 0;
      line[x] = line[x]! + predicted(filter, left, up, corner);
    }
    for (let x = 0; x < width; x += 1) rgb.set(line.subarray(x * channels, x * channels + 3), (y * width + x) * 3);
    before = line;
  }
  return { width, height, rgb };
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

const CRC = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  let crc = 0xffffffff;
  for (const byte of named) crc = CRC[(crc ^ byte) & 255]! ^ (crc >>> 8);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(body.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, named.length + 4);
  return out;
}
