// The engine's SVG as an element. It is parsed as a document of its own and never as markup of the page.

const SVG = "http://www.w3.org/2000/svg";

/** What a chart may consist of. */
const NAMES = ["svg", "g", "path", "line", "polyline", "polygon", "rect", "circle", "ellipse", "text", "tspan", "title", "desc", "defs", "clipPath"];
const ALLOWED = new Set(NAMES);
/** The beginning of anything else. */
const OTHER = new RegExp(`<(?!/?(?:${NAMES.join("|")})[\\s/>])`);

/**
 * The picture; null when the text is none, or holds what a picture has no need of. A page's parser reads long paths several
 * times as fast as that of XML; what it makes is a document of its own, in which nothing is loaded or run.
 */
export function picture(text: string): SVGSVGElement | null {
  if (OTHER.test(text)) return null;
  const { body } = new DOMParser().parseFromString(text, "text/html");
  const parsed = body.firstElementChild;
  // What can't stand in a picture ends up beside it.
  if (parsed === null || body.childNodes.length !== 1 || parsed.namespaceURI !== SVG || parsed.localName !== "svg") return null;
  for (const element of [parsed, ...parsed.querySelectorAll("*")]) {
    if (element.namespaceURI !== SVG || !ALLOWED.has(element.localName)) return null;
    for (const { name } of element.attributes) {
      if (name === "style" || name.startsWith("on") || name.endsWith("href")) return null;
    }
  }
  // Moved and not copied: a copy's paths would be read a second time.
  const svg = document.adoptNode(parsed) as unknown as SVGSVGElement;
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}
