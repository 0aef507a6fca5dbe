// A report as the window shows it before it is saved: its own document and style, apart from those of the window. There
// is no frame, because what a frame is given falls under the window's policy, which knows no styles in a text.

/** Smaller than on paper: the whole width is to be seen. */
const SMALLER = ".report { zoom: 0.78; min-height: 100%; } .report figure svg { overflow: hidden; }";

export const textOf = (base64: string): string => new TextDecoder().decode(Uint8Array.from(atob(base64), (it) => it.charCodeAt(0)));

/** Puts an HTML report into an element, in place of what was there. Where it was scrolled to stays. */
export function showReport(host: HTMLElement, html: string): void {
  // Taken out before: the window's policy refuses styles in a text, and says so, even where nothing is shown of it.
  const [found = "", style = ""] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
  const parsed = new DOMParser().parseFromString(html.replace(found, () => ""), "text/html");
  const main = parsed.querySelector("main");
  if (main === null) return;
  // Not the main thing of the window; and what it leads to is opened from the file.
  const article = document.createElement("article");
  article.className = "report";
  article.append(...main.childNodes);
  for (const link of article.querySelectorAll("a")) link.removeAttribute("href");
  for (const wide of article.querySelectorAll(".wide")) wide.removeAttribute("tabindex");
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const look = new CSSStyleSheet();
  look.replaceSync(`${style}\n${SMALLER}`);
  root.adoptedStyleSheets = [look];
  root.replaceChildren(article);
}
