/**
 * Errors that a user can act on: one sentence and a next step.
 *
 * They are `DynbenchError`s; bugs throw plain `Error`. The error's code determines the exit code, so that
 * a script can distinguish a bad plan from a broken engine.
 */

/** Exit codes of the program; the page of exit codes in docs/reference is made from them. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: "finished, and the result may be trusted" },
  bug: { code: 1, meaning: "a bug in dynbench" },
  plan: { code: 2, meaning: "bad plan: unknown flag, value, plugin or file; nothing was started" },
  start: { code: 3, meaning: "an engine or router did not come up, or preflight failed" },
  load: {
    code: 4,
    meaning:
      "the load failed: no request succeeded, the run was cut short, or results could not be written",
  },
  untrusted: {
    code: 5,
    meaning: "finished, but the result must not be trusted; reasons are printed",
  },
  interrupted: {
    code: 130,
    meaning: "interrupted; what was measured until then is kept and reported",
  },
} as const;

export type ErrorCode = Exclude<keyof typeof EXIT_CODES, "ok">;

export interface ErrorDetails {
  /** The next thing to try, one sentence without a final period. */
  hint?: string | undefined;
  cause?: unknown;
}

export class DynbenchError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  /** `message`: action first, colon, then state: `Cannot start engine "vllm": worker 2 exited with code 1`. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "DynbenchError";
    this.code = code;
    this.hint = details.hint;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code].code;
  }
}

/** One fault of a plan: its place (`workload.isl`), what is wrong, what to try. */
export interface Fault {
  path: string;
  message: string;
  hint?: string | undefined;
}

/** All faults of a plan at once, because to find them one by one takes a run each. */
export class PlanFaults extends DynbenchError {
  readonly faults: readonly Fault[];
  /** What has the faults, as the begin of a sentence. */
  readonly of: string;

  constructor(faults: readonly Fault[], of = "The command") {
    super("plan", faults.map((fault) => `${fault.path}: ${fault.message}`).join("\n"), {
      hint:
        faults
          .map((fault) => fault.hint)
          .filter((hint) => hint !== undefined)
          .join("\n") || undefined,
    });
    this.name = "PlanFaults";
    this.faults = faults;
    this.of = of;
  }
}

/** The original error if clean-up failed too: `await using` wraps both in a `SuppressedError`. */
export function firstCause(error: unknown): unknown {
  let current = error;
  while (current instanceof SuppressedError) current = current.suppressed;
  return current;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
