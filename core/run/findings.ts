/** Findings that the run itself makes about a cell, for its verdict. */
import type { Finding, Settled } from "../contract/result.ts";
import { endOf, nextStep, type Death } from "../process/death.ts";
import { counted } from "../base/counted.ts";
import { DynbenchError, firstCause, messageOf } from "../base/errors.ts";

/** A cell without an end. `planned`: its measured requests, where they are counted. */
export function partOfCell(ended: number, planned: number | undefined): Finding {
  const of = planned === undefined ? "" : ` of ${planned}`;
  return {
    id: "part-of-cell",
    severity: "untrusted",
    message: `This is a part of a cell, ${ended}${of} requests: the run was killed in it, or is not over`,
    hint: "Do not compare a part. After a kill measure the cell whole: --resume with the run's folder",
  };
}

/** A note of preflight. */
export function preflightNote(message: string): Finding {
  return {
    id: "preflight",
    severity: "note",
    message,
    hint: "Let the server report cached tokens; without them this arm has no hit share",
  };
}

export const freshPromptsNote: Finding = {
  id: "fresh-prompts",
  severity: "note",
  message: "The engine's caches could not be emptied; this cell was sent fresh prompts instead",
  hint: "Compare the arms as they are: lengths and sharing are the same. Attached workers of your own can be emptied with --allow-reset",
};

export function unsettledNote({ requests, seconds, ttftMs }: Settled): Finding {
  const means = ttftMs.map((ms) => ms.toPrecision(3)).join(", ");
  return {
    id: "unsettled",
    severity: "note",
    message:
      `After the start of engine or router the latency did not stand still within ${counted(requests, "request")} ` +
      `and ${seconds.toFixed(1)} s: mean TTFT of the batches ${means} ms`,
    hint: "Measure longer cells, or warm up more with --warmup",
  };
}

/** For an outside router that counts the events that it applies. */
export const noEventsFinding: Finding = {
  id: "no-kv-events",
  severity: "untrusted",
  message: "The router routes by KV events and has applied none",
  hint: "Check that the engine publishes KV events and that its prefix cache is on",
};

export function resetFinding(message: string): Finding {
  return {
    id: "reset-not-proved",
    severity: "untrusted",
    message,
    hint: "Restart the engine between cells: one before this may have warmed its caches",
  };
}

export function policyFinding(count: number, first: string | undefined): Finding {
  return {
    id: "policy-fault",
    severity: "untrusted",
    message: `The policy failed on ${counted(count, "request")}${first ? `, first with: ${first}` : ""}`,
    hint: "Mend the policy; records.jsonl has each fault with its request",
  };
}

export function deathFinding(death: Death): Finding {
  const { name, code, signal, reason } = death;
  const why = reason === undefined ? "" : `: ${reason.what}`;
  return {
    id: "process-died",
    severity: "untrusted",
    message: `${name} died during the cell (${endOf(code, signal)})${why}`,
    hint: nextStep(death) ?? `See logs/${name}.log in the run folder`,
  };
}

/** An open loop that was stopped because it could never end. */
export function overloadFinding({ message, hint }: DynbenchError): Finding {
  return { id: "overload", severity: "untrusted", message, hint: hint ?? "Lower --rate" };
}

export function brokenCell(error: unknown): Finding {
  const cause = firstCause(error);
  const hint = cause instanceof DynbenchError ? cause.hint : undefined;
  return {
    id: "broken",
    severity: "untrusted",
    message: `The cell was not measured to its end: ${messageOf(cause)}`,
    hint: hint ?? "Mend that, then measure the cell with --resume and the run's folder",
  };
}
