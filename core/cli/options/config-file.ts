/** `--config`: options from yaml, json or toml, or a saved plan. */
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import * as v from "valibot";
import { DynbenchError, messageOf } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import { textOf, type RawOption } from "../../plan/raw-option.ts";
import { looksLikePlan } from "../../plan/saved-plan.ts";

/** A larger file is no config. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

const Options = v.record(v.string(), v.unknown());

/** A plan as it was read: `checkedPlan` judges it, once the plugins are there. */
export type Config = { options: RawOption[] } | { plan: unknown; path: string };

/** Throws a `DynbenchError` that names the file. */
export function readConfig(path: string): Config {
  const value = parse(path, readText(path));
  if (looksLikePlan(value)) return { plan: value, path };
  const options = v.safeParse(Options, value);
  if (!options.success || Array.isArray(value)) {
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
    throw new DynbenchError("plan", `Cannot read ${path}: ${whyNot(cause)}`, {
      cause,
      hint: "Give --config a yaml, json or toml file, or a saved plan",
    });
  }
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw new DynbenchError(
      "plan",
      `Cannot read ${path}: ${bytes.length} bytes is too large for a config`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot read ${path}: it is not UTF-8 text`, {
      cause,
      hint: "Save it as UTF-8",
    });
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

/** The name of a table (`load`, `workload`, …) qualifies the names in it; the table `sweep` holds axes. */
function flatten(table: Record<string, unknown>, path: string): RawOption[] {
  return Object.entries(table).flatMap(([name, value]): RawOption[] => {
    const origin = `${path}: ${name}`;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return [{ name, value, origin }];
    }
    const inner = Object.entries(value as Record<string, unknown>);
    if (name === "sweep") {
      return [
        {
          name,
          value: inner.map(([key, values]) => `${key}=${[values].flat().map(textOf).join(",")}`),
          origin,
        },
      ];
    }
    return inner.map(([key, innerValue]) => ({
      name: `${name}.${key}`,
      value: innerValue,
      origin: `${origin}.${key}`,
    }));
  });
}
