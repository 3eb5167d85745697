/**
 * The headers that a plan adds to each request. Values that the plan does not hold are read where they
 * are kept, by each process that sends: no command line and no file of the run has them.
 */
import { readFileSync } from "node:fs";
import { DynbenchError } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import type { HeaderSource, Wire } from "../../contract/plan.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Names in lower case; a header of the plan replaces the bearer token. Throws a `DynbenchError` where a value is missing. */
export function wireHeaders(
  { apiKeyEnv, headers, headersFrom = {} }: Wire,
  env: Environment,
): Record<string, string> {
  const all: Record<string, string> = {};
  if (apiKeyEnv !== undefined) {
    all["authorization"] = `Bearer ${variable("the API key", apiKeyEnv, env)}`;
  }
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  for (const [name, source] of Object.entries(headersFrom)) all[name] = valueOf(name, source, env);
  for (const [name, value] of Object.entries(all)) {
    if (SENDABLE.test(value)) continue;
    throw fault(`header "${name}"`, "its value has a character that no header can carry");
  }
  return all;
}

/** Visible characters, blanks and tabs of Latin-1: no line ends, which would start another header. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** A cookie jar of a browser fits; what is larger is another file. */
const MAX_FILE_BYTES = 32_768;

function valueOf(name: string, source: HeaderSource, env: Environment): string {
  if ("env" in source) return variable(`header "${name}"`, source.env, env);
  const { file } = source;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw fault(`header "${name}"`, `${file}: ${whyNot(cause)}`);
  }
  const value = text.replace(/\r?\n$/, "");
  if (value === "") throw fault(`header "${name}"`, `${file} is empty`);
  if (value.length > MAX_FILE_BYTES) throw fault(`header "${name}"`, `${file} is too long`);
  return value;
}

function variable(what: string, name: string, env: Environment): string {
  const value = env[name];
  if (value) return value;
  throw fault(what, `environment variable "${name}" is not set`, "Set it, or leave it out");
}

function fault(what: string, state: string, hint?: string): DynbenchError {
  return new DynbenchError("plan", `Cannot send ${what}: ${state}`, { hint });
}
