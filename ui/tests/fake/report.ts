// Reports for the engine of the tests: a few words of what they would have in them.

import type { ChartPage, ChartSpec, LinesSpec, Report, ReportBlock, ReportFormat, RunSet } from "../../src/lib/bindings";
import { wholeQuery } from "../../src/lib/charts/page.svelte";
import { effective } from "../../src/lib/charts/spec";

type Chart = { runs: RunSet; chart: ChartSpec; caption: string; section: string };

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const runsOf = (page: ChartPage): RunSet => ({ uids: [], query: wholeQuery(page.project, page.query) });

function chartsOf(block: ReportBlock): Chart[] {
  if (block.kind === "chart") return [{ runs: block.runs, chart: block.chart, section: "", caption: block.caption ?? (block.chart.kind === "lines" ? block.chart.keys.join(", ") : block.chart.kind) }];
  if (block.kind !== "page") return [];
  const left = new Set(block.without);
  return block.page.panels
    .filter((it) => !left.has(it.id))
    .map((it) => ({
      runs: runsOf(block.page),
      chart: it.chart.kind === "lines" ? { kind: "lines", ...effective(it.chart, it.own, block.page.defaults) } : it.chart,
      section: it.section,
      caption: it.title ?? (it.chart.kind === "lines" ? it.chart.keys.join(", ") : it.chart.kind),
    }));
}

export function reportOf(report: Report, format: ReportFormat, draw: (runs: RunSet, lines: LinesSpec) => string, drawn: (runs: RunSet) => string[]): string {
  const parts: string[] = [];
  let section = "";
  let number = 0;
  for (const block of report.blocks) {
    if (block.kind === "text") parts.push(format === "html" ? `<p>${escaped(block.text)}</p>` : block.text);
    if (block.kind === "heading") parts.push(format === "html" ? `<h2>${escaped(block.text)}</h2>` : `## ${block.text}`);
    if (block.kind === "compare") parts.push(format === "html" ? `<h2>Comparison of ${block.uids?.length ?? 0} runs</h2>` : "## Comparison");
    if (block.kind === "page" && block.table) {
      const names = drawn(runsOf(block.page)).slice(0, block.page.newest);
      parts.push(format === "html" ? `<div class="wide" tabindex="0"><table><thead><tr><th scope="col">run</th></tr></thead><tbody>${names.map((it) => `<tr><td>${escaped(it)}</td></tr>`).join("")}</tbody></table></div>` : "| run |");
    }
    for (const it of chartsOf(block)) {
      if (it.section !== section) parts.push(format === "html" ? `<h2>${escaped(it.section)}</h2>` : `## ${it.section}`);
      section = it.section;
      number += 1;
      const svg = it.chart.kind === "lines" ? draw(it.runs, it.chart) : "";
      parts.push(format === "html" ? `<div class="figures"><figure>${svg}<figcaption><strong>Figure ${number}.</strong> ${escaped(it.caption)}</figcaption></figure></div>` : `**Figure ${number}.** ${it.caption}`);
    }
  }
  if (format === "markdown") return `# ${report.title}\n\n${parts.join("\n\n")}\n`;
  return `<!DOCTYPE html><html lang="en"><head><title>${escaped(report.title)}</title><style>.report { padding: 40px; background: #ffffff; color: #1c1b19; font: 15px/1.5 sans-serif; } .report svg { width: 100%; height: auto; }</style></head><body><main class="report"><header><h1>${escaped(report.title)}</h1></header>${parts.join("\n")}</main></body></html>`;
}
