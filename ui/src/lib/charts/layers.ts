// A chart's picture in two layers: what stands still while it is zoomed (labels, grid), and the data, which is scaled
// until the exact picture is there.

import { picture } from "../chart/picture";

export type Layers = { readonly axes: SVGSVGElement; readonly data: SVGSVGElement };

/** Text, and what is of the grid, stands still. */
const still = (element: Element): boolean => element.localName === "text" || element.classList.contains("grid") || element.classList.contains("tick");

/** A picture that nothing is zoomed in: all of it in one layer, in the order in which it was drawn. */
export function wholeOf(svg: string): Layers | null {
  const axes = picture(svg);
  return axes === null ? null : { axes, data: axes.cloneNode(false) as SVGSVGElement };
}

/** Null where the text is no picture. */
export function layersOf(svg: string): Layers | null {
  const axes = picture(svg);
  if (axes === null) return null;
  const data = axes.cloneNode(false) as SVGSVGElement;
  for (const element of [...axes.children]) if (!still(element)) data.append(element);
  return { axes, data };
}
