/** The form of the requests, decided once for all arms: arms with different forms would compare parsers. */
import { given } from "../base/given.ts";
import type { HeaderSource, Wire } from "../contract/plan.ts";
import type { ArmWithPlugins } from "./planned-arms.ts";
import type { RunOptions } from "./run-options.ts";
import { maskWords } from "./secret-words.ts";
import type { Fault } from "../base/errors.ts";
import type { WireForm } from "../contract/request.ts";

/** Widest first: token ids are exact, and nothing has to tokenise them. */
const FORMS: readonly WireForm[] = ["ids", "text", "chat"];

export function wireOf(
  run: RunOptions,
  arms: readonly ArmWithPlugins[],
  faults: Fault[],
): Wire | undefined {
  const form = formOf(run.promptForm, arms, faults);
  if (form === undefined) return undefined;
  const { headers, headersFrom } = parseHeaders(run, faults);
  return {
    form,
    connection: run.connection,
    headers,
    ...(Object.keys(headersFrom).length === 0 ? {} : { headersFrom }),
    body: parseBody(run.body, faults),
    ...given({ apiKeyEnv: run.apiKeyEnv }),
  };
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Headers as typed, `name=value`, `name: value`, `name=@FILE`, and `name=VARIABLE` of `headerEnv`; names in lower case. */
export function parseHeaders(
  { header, headerEnv }: Pick<RunOptions, "header" | "headerEnv">,
  faults: Fault[],
): { headers: Record<string, string>; headersFrom: Record<string, HeaderSource> } {
  const headers: Record<string, string> = {};
  const headersFrom: Record<string, HeaderSource> = {};
  for (const text of header) {
    const [name, value] = headerIn(text);
    if (name === undefined || value === undefined || /[\r\n\0]/.test(value)) {
      // The value may be a secret, so only the name is quoted.
      faults.push({
        path: "run.header",
        message: `expected name=value, got "${text.split(/[:=\s]/)[0]!}…"`,
        hint: "For example: --header x-team=blue",
      });
    } else if (/^@./.test(value)) headersFrom[name] = { file: value.slice(1) };
    else headers[name] = value;
  }
  for (const text of headerEnv) {
    const [name, variable = ""] = headerIn(text);
    if (name !== undefined && /^[A-Za-z_]\w*$/.test(variable))
      headersFrom[name] = { env: variable };
    else {
      faults.push({
        path: "run.header-env",
        message: "expected name=VARIABLE, the name of an environment variable and not its value",
        hint: "For example: --header-env x-auth=AUTH_TOKEN",
      });
    }
  }
  return { headers, headersFrom };
}

function headerIn(text: string): [name: string | undefined, value: string | undefined] {
  const [, name, value] = /^([^\s:=]+)\s*[:=]\s*(.*)$/s.exec(text) ?? [];
  return name !== undefined && HEADER_NAME.test(name)
    ? [name.toLowerCase(), value]
    : [undefined, undefined];
}

/** Fields as typed, `key=json`. */
export function parseBody(texts: readonly string[], faults: Fault[]): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    try {
      if (equals < 1) throw new Error("no name");
      body[text.slice(0, equals)] = JSON.parse(text.slice(equals + 1));
    } catch {
      faults.push({
        path: "run.body",
        message: `expected key=json, got "${maskWords([text])[0]}"`,
        hint: "A string needs its quotes: --body user='\"me\"'",
      });
    }
  }
  return body;
}

/** The form that all arms accept; undefined, with its fault in `faults`, where there is none. */
export function formOf(
  wanted: RunOptions["promptForm"],
  arms: readonly ArmWithPlugins[],
  faults: Fault[],
): WireForm | undefined {
  const accepted = arms.map(({ arm, router }) => ({
    label: arm.label,
    forms: router.traits(arm.router.options).accepts,
  }));
  const possible = FORMS.filter((form) => accepted.every(({ forms }) => forms.includes(form)));
  const form = wanted === "auto" ? possible[0] : wanted;
  if (form !== undefined && possible.includes(form)) return form;
  faults.push({
    path: "run.prompt-form",
    message:
      form === undefined ? "no prompt form is taken by all arms" : `not all arms take "${form}"`,
    hint: accepted.map(({ label, forms }) => `${label} takes ${forms.join(", ")}`).join("; "),
  });
  return undefined;
}
