/** What the run itself can notice about a cell, in the words of the verdict. */
import type { Finding } from "../metrics/result.ts";
import { endOf, type Death } from "../process/supervisor.ts";
import { firstCause, messageOf, type DynbenchError } from "../errors.ts";

/** What preflight found worth a note. */
export function preflightNote(message: string): Finding {
  return {
    id: "preflight",
    severity: "note",
    message,
    hint: "Hit shares of this arm rest on what the router predicted, or are left out",
  };
}

export const freshPromptsNote: Finding = {
  id: "fresh-prompts",
  severity: "note",
  message: "the engine's caches could not be emptied; this cell was sent fresh prompts instead",
  hint: "Arms see the same lengths and the same sharing, with other tokens",
};

export function resetFinding(message: string): Finding {
  return {
    id: "reset-not-proved",
    severity: "untrusted",
    message,
    hint: "A cell before this one may have warmed its caches; restart the engine between cells",
  };
}

export function policyFinding(count: number, first: string | undefined): Finding {
  return {
    id: "policy-fault",
    severity: "untrusted",
    message: `the policy failed on ${count} requests${first ? `: ${first}` : ""}`,
    hint: "Mend the policy; see the gateway's log",
  };
}

export function deathFinding({ name, code, signal, lastLines, reason }: Death): Finding {
  const last = reason?.what ?? lastLines.at(-1);
  return {
    id: "process-died",
    severity: "untrusted",
    message: `${name} died during the cell (${endOf(code, signal)})${last ? `: ${last}` : ""}`,
    hint: reason?.hint ?? `See logs/${name}.log in the run folder`,
  };
}

/** An open loop that was stopped because it could never end. */
export function overloadFinding({ message, hint }: DynbenchError): Finding {
  return { id: "overload", severity: "untrusted", message, hint: hint ?? "Lower --rate" };
}

export function brokenCell(error: unknown): Finding {
  return {
    id: "broken",
    severity: "untrusted",
    message: messageOf(firstCause(error)),
    hint: "The cell was not measured to its end",
  };
}
