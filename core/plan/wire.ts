/** The form of the requests, decided once for all arms: arms with different forms would compare parsers. */
import { given } from "../base/given.ts";
import type { Wire } from "../contract/plan.ts";
import type { ArmWithPlugins } from "./planned-arms.ts";
import type { RunOptions } from "./run-options.ts";
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
  const headers = parseHeaders(run.header, faults);
  const body: Record<string, unknown> = {};
  for (const text of run.body) {
    const equals = text.indexOf("=");
    try {
      if (equals < 1) throw new Error("no name");
      body[text.slice(0, equals)] = JSON.parse(text.slice(equals + 1));
    } catch {
      faults.push({
        path: "run.body",
        message: `expected key=json, got "${text}"`,
        hint: "A string needs its quotes: --body user='\"me\"'",
      });
    }
  }
  return {
    form,
    connection: run.connection,
    headers,
    body,
    ...given({ apiKeyEnv: run.apiKeyEnv }),
  };
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

/** Headers as typed, `name=value` or `name: value`; names in lower case. */
export function parseHeaders(texts: readonly string[], faults: Fault[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of texts) {
    const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*[:=]\s*(.*)$/.exec(text);
    if (!match || /[\r\n\0]/.test(match[2]!)) {
      // The value may be a secret, so only the name is quoted.
      const name = text.split(/[:=\s]/)[0]!;
      faults.push({
        path: "run.header",
        message: `expected name=value, got "${name}…"`,
        hint: "For example: --header x-team=blue",
      });
    } else headers[match[1]!.toLowerCase()] = match[2]!;
  }
  return headers;
}
