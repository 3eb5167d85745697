/** How the load speaks, decided once for all arms: a comparison in two wire forms compares parsers. */
import { given } from "../base/given.ts";
import type { PlannedArm, Wire } from "../contract/plan.ts";
import type { RunOptions } from "./run-options.ts";
import type { Fault } from "../base/errors.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Router } from "../contract/router.ts";
import type { WireForm } from "../contract/request.ts";

/** Widest first: ids cost no tokenising anywhere and are exact. */
const FORMS: readonly WireForm[] = ["ids", "text", "chat"];

export function wireOf(
  run: RunOptions,
  arms: readonly PlannedArm[],
  plugins: Plugins,
  faults: Fault[],
): Wire | undefined {
  const accepted = arms.map(({ label, router }) => ({
    label,
    forms: (plugins.find("router", router.name)!.plugin as Router).traits(router.options).accepts,
  }));
  const possible = FORMS.filter((form) => accepted.every(({ forms }) => forms.includes(form)));
  const form = run.promptForm === "auto" ? possible[0] : run.promptForm;
  if (form === undefined || !possible.includes(form)) {
    const wanted =
      form === undefined ? "no prompt form is taken by all arms" : `not all arms take "${form}"`;
    faults.push({
      path: "run.prompt-form",
      message: wanted,
      hint: accepted.map(({ label, forms }) => `${label} takes ${forms.join(", ")}`).join("; "),
    });
    return undefined;
  }
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

/** Headers as typed, `name=value` or `name: value`; names in lower case. */
export function parseHeaders(texts: readonly string[], faults: Fault[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of texts) {
    const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*[:=]\s*(.*)$/.exec(text);
    if (!match || /[\r\n\0]/.test(match[2]!)) {
      // The value may be a secret, so only what stands before it is quoted.
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
