/** The page with the analysis of a trace, or of several traces one after the other. */
import "./resolution.ts";
import { h } from "./drawing/dom.ts";
import { documentData, standPage } from "./sections/standing.ts";
import { themeToggle } from "./drawing/theme.ts";
import type { TracePageData } from "./data/trace-data.ts";
import { traceSections } from "./sections/trace.ts";

const data = documentData() as TracePageData;
const files = data.traces.map(({ file }) => file.split(/[/\\]/).at(-1)!);
document.title = `${files.join(", ")} · dynbench`;
standPage("", (cards) => [
  h(
    "header",
    {},
    h(
      "div",
      {},
      h("p", { class: "eyebrow" }, data.traces.length === 1 ? "Trace" : "Traces"),
      h("h1", files.length > 1 ? { class: "many" } : {}, files.join(", ")),
    ),
    themeToggle(),
  ),
  ...data.traces.flatMap((trace) => traceSections(trace, cards)),
  h("footer", {}, data.tool),
]);
