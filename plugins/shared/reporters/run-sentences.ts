/** Sentences about a run that the console and the Markdown table share. Pure. */
import { v } from "dynbench";
import { timeScaleNotes, type RunResult } from "dynbench/report";
import { plain } from "./text.ts";

/** The units of the main table, and how its times relate to the wall clock. */
export function timeSentence({ summary }: RunResult): string {
  const unit = "TTFT, ITL and E2E in ms, repeats pooled";
  return plain(`${[unit, ...timeScaleNotes(summary.cells)].join("; ")}.`);
}

const RouterFacts = v.object({ program: v.string(), version: v.string() });
const Facts = v.object({ routers: v.record(v.string(), v.unknown()) });

/** The programs that were routers in the run, from its facts: `Routers: smg 1.13.0, nginx 1.22.1.`; empty where all are
 * policies. A merge of several runs keeps the facts of each by name. */
export function programsLine({ facts }: Pick<RunResult, "facts">): string {
  const programs = [facts, ...Object.values(facts)].flatMap(programsOf);
  return programs.length === 0 ? "" : plain(`Routers: ${[...new Set(programs)].join(", ")}.`);
}

function programsOf(facts: unknown): string[] {
  if (!v.is(Facts, facts)) return [];
  return Object.values(facts.routers).flatMap((router) =>
    v.is(RouterFacts, router) ? [`${router.program} ${router.version}`] : [],
  );
}
