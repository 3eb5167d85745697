/**
 * Whether what engines and routers need is here: programs on PATH or beside a Python, packages in that
 * Python, services that run. Plugins declare what they need and how to get it.
 */
import { dirname } from "node:path";
import type { Check } from "./check.ts";
import { programOutput } from "../process/program-output.ts";
import type { Need } from "../contract/foreign-programs.ts";
import type { AnyPlugin } from "../contract/plugins.ts";
import { askPython, type PythonFacts } from "../process/python-facts.ts";

const GROUP = { group: "engines and routers" } as const;
/** sglang-router imports Python for three seconds before it prints its version. */
const VERSION_LIMIT_MS = 20_000;
/** A service of the user's accepts a connection within this time. */
const CONNECT_LIMIT_MS = 1000;

type ProgramNeed = Extract<Need, { command: string }>;
type PackageNeed = Extract<Need, { packages: readonly string[] }>;

/** A need with those that have it: `engine vllm`, `router dynamo`. */
interface Wanted {
  readonly need: Need;
  readonly by: readonly string[];
}

export async function programChecks(
  plugins: readonly AnyPlugin[],
  { python, isNamed }: { python: string; isNamed: boolean },
): Promise<Check[]> {
  const wanted = wantedBy(plugins);
  const packages = wanted.flatMap(({ need }) => ("packages" in need ? need.packages : []));
  const facts = await askPython(python, packages);
  const checks = await Promise.all(
    wanted.map(async ({ need, by }) =>
      "packages" in need
        ? packageCheck({ need, by }, facts)
        : programCheck({ need, by }, await findProgram(need, facts)),
    ),
  );
  return [pythonCheck(facts, { python, isNamed }), ...checks];
}

/** Each need once, in the order of the plugins. Pure. */
export function wantedBy(plugins: readonly AnyPlugin[]): Wanted[] {
  const all = plugins.flatMap((plugin) =>
    plugin.kind === "engine" || plugin.kind === "router"
      ? (plugin.needs ?? []).map((need) => ({ need, by: `${plugin.kind} ${plugin.name}` }))
      : [],
  );
  const keyOf = ({ need }: { need: Need }): string =>
    "packages" in need ? need.packages.join() : need.command;
  return Array.from(Map.groupBy(all, keyOf).values(), (same) => ({
    need: same[0]!.need,
    by: same.map(({ by }) => by),
  }));
}

/** A Python that the user named must be one; else only some engines need any. Pure, as all below but the last two. */
export function pythonCheck(
  facts: PythonFacts | undefined,
  { python, isNamed }: { python: string; isNamed: boolean },
): Check {
  const of = { ...GROUP, name: "Python" };
  if (facts) return { ...of, state: "ok", found: `${facts.version}, ${facts.path}` };
  return {
    ...of,
    state: isNamed ? "fault" : "note",
    found: `"${python}" is no Python that answers`,
    next: isNamed
      ? "Check the path: it must run where you stand"
      : "Install Python 3 for engines that need it, or name one that has yours: --python PATH",
  };
}

export function packageCheck(
  { need, by }: { need: PackageNeed; by: readonly string[] },
  facts: PythonFacts | undefined,
): Check {
  const of = { ...GROUP, name: need.packages[0]! };
  const there = need.packages.find((name) => facts?.packages[name] !== undefined);
  if (facts && there) {
    return { ...of, state: "ok", found: `${there} ${facts.packages[there]}, ${forWhom(by, need)}` };
  }
  const where = facts ? `not in ${facts.path}` : "no Python to look in";
  const next = `${need.install}, or name a Python that has it: --python PATH`;
  return { ...of, state: "note", found: `${where}, ${forWhom(by, need)}`, next };
}

/** Where a program was found. */
export interface FoundProgram {
  readonly path: string | undefined;
  /** It is beside the Python, and not on PATH. */
  readonly isBesidePython: boolean;
  readonly version: string | undefined;
  /** Something listens where it would. */
  readonly runs: boolean;
}

export function programCheck(
  { need, by }: { need: ProgramNeed; by: readonly string[] },
  { path, isBesidePython, version, runs }: FoundProgram,
): Check {
  const of = { ...GROUP, name: need.command };
  const running = runs ? [`something listens on 127.0.0.1:${need.port}`] : [];
  if (path === undefined) {
    const found = ["not on PATH", ...running, forWhom(by, need)].join(", ");
    return { ...of, state: runs ? "ok" : "note", found, next: need.install };
  }
  const found = [...(version ? [version] : []), path, ...running, forWhom(by, need)].join(", ");
  if (!isBesidePython) return { ...of, state: "ok", found };
  const next = `It is not on PATH: give the run the same --python, or PATH=${dirname(path)}:$PATH`;
  return { ...of, state: "note", found, next };
}

function forWhom(by: readonly string[], { onlyWith }: Need): string {
  return `for ${by.join(", ")}${onlyWith ? ` with ${onlyWith}` : ""}`;
}

/** The first line that has a version: `nginx version: nginx/1.22.1`, `HAProxy version 2.6.12-1+deb12u4`. */
export function versionIn(lines: readonly string[]): string | undefined {
  const found = lines.map((line) => /(?:^|[^\d.])v?(\d+\.\d+(?:\.\d+)?)(?!\S*\.py)/.exec(line));
  return found.find((match) => match !== null)?.[1];
}

async function findProgram(
  need: ProgramNeed,
  facts: PythonFacts | undefined,
): Promise<FoundProgram> {
  const onPath = Bun.which(need.command);
  const beside = facts && Bun.which(need.command, { PATH: facts.scripts });
  const path = onPath ?? beside ?? undefined;
  const [runs, version] = await Promise.all([
    need.port !== undefined && reaches("127.0.0.1", need.port),
    path === undefined ? undefined : versionOf(path, need.versionFlag ?? "--version"),
  ]);
  return { path, isBesidePython: onPath === null, version, runs };
}

async function versionOf(path: string, flag: string): Promise<string | undefined> {
  const { lines, code } = await programOutput([path, flag], VERSION_LIMIT_MS);
  return code === 0 ? versionIn(lines) : undefined;
}

/** Whether something listens there. */
async function reaches(hostname: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), CONNECT_LIMIT_MS);
  Bun.connect({ hostname, port, socket: { data: () => {} } }).then(
    (socket) => {
      socket.end();
      resolve(true);
    },
    () => resolve(false),
  );
  const isThere = await promise;
  clearTimeout(timer);
  return isThere;
}
