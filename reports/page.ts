/**
 * A run's page: builds the sections in reading order (can it be trusted, who won, where, why,
 * details, set-up).
 */
import "./resolution.ts";
import type { ReportData } from "./data/data.ts";
import { h } from "./drawing/dom.ts";
import { documentData, standPage, type Page } from "./sections/standing.ts";
import { clientSection } from "./sections/client.ts";
import { comparisonSection } from "./sections/comparison.ts";
import { cellsSection, setupSection } from "./sections/closing.ts";
import { detailSections } from "./sections/detail.ts";
import { panelsSection } from "./sections/panels.ts";
import { rankingSection } from "./sections/ranking.ts";
import { sideBySideSection } from "./sections/side-by-side.ts";
import { header, verdictSection } from "./sections/verdict.ts";

const data = documentData() as ReportData;
document.title = `${data.title} · ${data.workload} · dynbench`;
standPage(data.scaleNote, (cards) => {
  const page: Page = { data, ...cards };
  return [
    header(data),
    verdictSection(data),
    rankingSection(page),
    panelsSection(page),
    sideBySideSection(data),
    comparisonSection(data),
    // A box of its own, so that the bar of settings stays visible only beside the charts it changes.
    h("div", {}, ...detailSections(page)),
    clientSection(page),
    cellsSection(data),
    setupSection(data),
    h("footer", {}, `${data.tool} · ${data.startedAt}`),
  ];
});
