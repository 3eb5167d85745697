/**
 * The command line of Dynamo's frontend, from the user's options and the flags that the `--help` of the installed
 * version lists. A flag that a version does not have is never passed: an older or newer spelling takes its
 * place, or the option is reported as a fault. Pure.
 */
import { isInPolicy, routerPolicy, type FrontendWishes } from "./router-policy.ts";
import { helpChoices, helpFlags } from "./help-flags.ts";

export interface FrontendFlags {
  readonly argv: readonly string[];
  /** Content of the file that `--router-policy-config` names, where wishes have no flag of their own. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Wishes that this version cannot meet, by option. */
  readonly faults: readonly { option: string; message: string }[];
}

/** Names a file with what is no flag of its own. */
export const POLICY_FLAG = "--router-policy-config";

/** Mode without KV events: the router predicts from its own decisions. */
export const APPROXIMATE_MODE = "kv-approx";

/**
 * Spellings of a number's or a word's flag, newest first: 1.2 and later, then 0.6 to 1.1. One whose
 * meaning changed is not among them: `--kv-overlap-score-weight` scales prefill since 1.2.
 */
const SPELLINGS: readonly (readonly [keyof FrontendWishes, readonly string[]])[] = [
  ["overlapCredit", ["--router-kv-overlap-score-credit", "--kv-overlap-score-weight"]],
  ["creditDecay", ["--router-kv-overlap-score-credit-decay"]],
  ["prefillLoadScale", ["--router-prefill-load-scale"]],
  ["activeRequestWeight", ["--router-decode-active-request-weight"]],
  ["temperature", ["--router-temperature"]],
  ["queueThreshold", ["--router-queue-threshold"]],
  ["queuePolicy", ["--router-queue-policy"]],
  ["decodeBlocksThreshold", ["--active-decode-blocks-threshold", "--busy-threshold"]],
  ["prefillTokensThreshold", ["--active-prefill-tokens-threshold"]],
  ["prefillTokensThresholdShare", ["--active-prefill-tokens-threshold-frac"]],
  ["ttlS", ["--router-ttl-secs", "--router-ttl"]],
  ["migrationLimit", ["--migration-limit"]],
];

export function frontendFlags(help: string, wishes: FrontendWishes): FrontendFlags {
  const flags = helpFlags(help);
  const argv: string[] = [];
  const faults: { option: string; message: string }[] = [];
  const inPolicy: Partial<Record<keyof FrontendWishes, unknown>> = {};
  const mode = wishes.mode === APPROXIMATE_MODE ? "kv" : wishes.mode;
  const choices = helpChoices(help, "--router-mode");
  if (choices !== undefined && !choices.includes(mode)) {
    faults.push({ option: "mode", message: `its modes are ${choices.join(", ")}` });
  }
  argv.push("--router-mode", mode);
  if (wishes.mode === APPROXIMATE_MODE) {
    const flag = firstOf(["--no-router-kv-events", "--no-kv-events"], flags);
    if (flag === undefined) faults.push(lost("mode", ["--no-router-kv-events"]));
    else argv.push(flag);
  }
  for (const [option, spellings] of SPELLINGS) {
    const value = wishes[option];
    if (value === undefined) continue;
    const flag = firstOf(spellings, flags);
    if (flag !== undefined) argv.push(flag, String(value));
    else if (flags.has(POLICY_FLAG) && isInPolicy(option)) inPolicy[option] = value;
    else faults.push(lost(option, spellings));
  }
  if (wishes.replicaSync) {
    if (flags.has("--router-replica-sync")) argv.push("--router-replica-sync");
    else faults.push(lost("replicaSync", ["--router-replica-sync"]));
  }
  // Dynamo before 1.4 keeps its router's state in NATS; 0.6 to 1.3 have the flag that forgets it.
  if (flags.has("--router-reset-states")) argv.push("--router-reset-states");
  const policy = routerPolicy(inPolicy as Partial<FrontendWishes>);
  return { argv, faults, ...(Object.keys(policy).length === 0 ? {} : { policy }) };
}

function firstOf(spellings: readonly string[], flags: ReadonlySet<string>): string | undefined {
  return spellings.find((flag) => flags.has(flag));
}

function lost(option: string, spellings: readonly string[]): { option: string; message: string } {
  return { option, message: `its frontend has no ${spellings.join(" or ")}` };
}
