/** Which programs stood as routers in a run, and their versions, as its facts have them. Pure. */
import { v, type RunResult } from "dynbench";
import { plain } from "./console-text.ts";

const RouterFacts = v.object({ program: v.string(), version: v.string() });
const Facts = v.object({ routers: v.record(v.string(), v.unknown()) });

/** `Routers: smg 1.13.0, nginx 1.22.1.`; empty where all are our own. Several runs keep facts by name. */
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
