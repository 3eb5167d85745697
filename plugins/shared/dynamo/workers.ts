/**
 * Starts workers on Dynamo's plane and reads back which workers registered, before anything else starts:
 * they must be those of the plan.
 */
import { DynbenchError, given } from "dynbench";
import {
  endedTogether,
  untilReady,
  type Explanation,
  type ForeignProcess,
  type StartContext,
  type WorkerRole,
} from "dynbench/engine";
import { withoutInherited } from "./own-environment.ts";
import type { DynamoPlane } from "./plane.ts";
import type { Registration } from "./registration.ts";

/** One process, and how many workers register from it. */
export interface WorkerLaunch {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `backend` serves everything or decodes, `prefill` prefills. */
  readonly component: string;
  readonly count: number;
}

export interface WorkerStart {
  /** Name under which all must serve. */
  readonly model: string;
  readonly limitMs: number;
  readonly context: StartContext;
  /** Ends the processes. */
  readonly stack: AsyncDisposableStack;
  readonly explain?: (lines: readonly string[]) => Explanation | undefined;
}

/** All registrations of the plane, in order of component and id, once they are those that were planned. */
export async function startWorkers(
  plane: DynamoPlane,
  launches: readonly WorkerLaunch[],
  start: WorkerStart,
): Promise<Registration[]> {
  const { context, stack, model } = start;
  const keep = endedTogether(stack);
  const programs = await Promise.all(
    launches.map(async ({ name, command, env }) => {
      const own = { ...plane.discovery.env, ...env };
      const clean = withoutInherited(command, { own, inherited: process.env });
      const details = { env: own, isUnguarded: true, ...given({ explain: start.explain }) };
      return keep(await context.processes.startForeign(name, clean, details));
    }),
  );
  const expected: Record<string, number> = {};
  for (const { component, count } of launches) {
    expected[component] = (expected[component] ?? 0) + count;
  }
  await Promise.all(
    programs.map((program, i) =>
      untilRegistered(program, { component: launches[i]!.component, expected, plane, start }),
    ),
  );
  const found = await plane.registrations();
  const fault = differenceOf(expected, found) ?? otherModel(model, found);
  if (fault !== undefined)
    throw new DynbenchError("start", `Cannot use the workers: ${fault}`, FIX);
  for (const program of programs) program.guard();
  return found;
}

const FIX = { hint: "Nothing else may register in the run's namespace; see the workers' logs" };

async function untilRegistered(
  program: ForeignProcess,
  at: {
    component: string;
    expected: Readonly<Record<string, number>>;
    plane: DynamoPlane;
    start: WorkerStart;
  },
): Promise<void> {
  const { component, expected, plane, start } = at;
  const { context, limitMs, explain } = start;
  await untilReady(program, {
    limitMs,
    signal: context.signal,
    log: context.log,
    ...given({ explain }),
    isUp: async () => {
      const found = (await plane.registrations()).filter((each) => each.component === component);
      const ready = found.filter(({ card }) => card !== undefined).length;
      const wanted = expected[component]!;
      if (ready < wanted) throw new Error(`${ready} of ${wanted} workers have registered`);
    },
  });
}

/** Where workers of a role register, as Dynamo 1.6.1 names its components. */
export function componentOf(role: WorkerRole): string {
  return role === "prefill" ? "prefill" : "backend";
}

/** How what registered differs from what was planned, in words; undefined when it does not. */
export function differenceOf(
  expected: Readonly<Record<string, number>>,
  found: readonly Registration[],
): string | undefined {
  const components = new Set([
    ...Object.keys(expected),
    ...found.map(({ component }) => component),
  ]);
  const words = [...components].flatMap((component) => {
    const count = found.filter((each) => each.component === component).length;
    const wanted = expected[component] ?? 0;
    return count === wanted ? [] : [`${count} of ${wanted} have registered as "${component}"`];
  });
  return words.length === 0 ? undefined : words.join("; ");
}

/** A worker that serves under another name is one that no request would reach. */
export function otherModel(model: string, found: readonly Registration[]): string | undefined {
  const other = found.find(({ card }) => card !== undefined && card.model !== model);
  return other && `one has registered as model "${other.card!.model}" and not "${model}"`;
}
