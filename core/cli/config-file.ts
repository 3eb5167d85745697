/** `--config`: options from yaml, json or toml, or a saved plan. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import * as v from "valibot";
import { DynbenchError, messageOf } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { RawOption } from "../plan/raw-option.ts";

/** A config beyond this is the wrong file. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

const Options = v.record(v.string(), v.unknown());
const SavedPlan = v.looseObject({
  schemaVersion: v.literal(1),
  tool: v.object({ name: v.literal("dynbench"), version: v.string() }),
  seed: v.number(),
  clock: v.picklist(["wall", "virtual"]),
  arms: v.pipe(
    v.array(v.looseObject({ label: v.string(), engineKey: v.string() })),
    v.minLength(1),
  ),
  cells: v.array(v.looseObject({ id: v.string(), arm: v.number(), seed: v.number() })),
});

export type Config = { options: RawOption[] } | { plan: Plan };

/** Throws a `DynbenchError` that names the file. */
export function readConfig(path: string): Config {
  const value = parse(path, readText(path));
  if (typeof value === "object" && value !== null && "schemaVersion" in value) {
    const plan = v.safeParse(SavedPlan, value);
    if (plan.success) return { plan: plan.output as unknown as Plan };
    throw new DynbenchError(
      "plan",
      `Cannot run ${path}: it is not a plan of this version: ${firstIssue(plan.issues)}`,
    );
  }
  const options = v.safeParse(Options, value);
  if (!options.success) {
    throw new DynbenchError("plan", `Cannot read ${path}: expected a table of options at the top`, {
      hint: "For example: workload: prefix, isl: 4000, router: [kv, round-robin]",
    });
  }
  return { options: flatten(options.output, path) };
}

function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw new DynbenchError("plan", `Cannot read ${path}: ${bytes.length} bytes are no config`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot read ${path}: it is not UTF-8 text`, { cause });
  }
}

function parse(path: string, text: string): unknown {
  try {
    switch (extname(path).toLowerCase()) {
      case ".yaml":
      case ".yml":
        return Bun.YAML.parse(text);
      case ".toml":
        return Bun.TOML.parse(text);
      case ".json":
        return JSON.parse(text);
    }
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  throw new DynbenchError(
    "plan",
    `Cannot read ${path}: expected a .yaml, .yml, .json or .toml file`,
  );
}

/** A table under `load`, `workload`, … qualifies the names in it. */
function flatten(table: Record<string, unknown>, path: string): RawOption[] {
  return Object.entries(table).flatMap(([name, value]): RawOption[] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, innerValue]) => ({
          name: `${name}.${inner}`,
          value: innerValue,
          origin: `${path}: ${name}.${inner}`,
        }))
      : [{ name, value, origin: `${path}: ${name}` }],
  );
}

function firstIssue(issues: readonly v.BaseIssue<unknown>[]): string {
  const issue = issues[0]!;
  return `${v.getDotPath(issue) ?? "top"}: ${issue.message}`;
}
