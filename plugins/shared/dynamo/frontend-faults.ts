/** Why Dynamo's frontend (1.6.1) does not serve, from its log. Pure. */
import type { Explanation } from "dynbench/engine";

/** The first reason found; undefined while the log has none. */
export function explainFrontend(lines: readonly string[]): Explanation | undefined {
  const found = firstFault(lines);
  return found && { what: found.fault.what, hint: `${found.fault.hint}. It wrote: ${found.line}` };
}

/** Whether waiting longer is useless, although it keeps trying. */
export function isHopeless(lines: readonly string[]): boolean {
  return firstFault(lines)?.fault.isFinal === true;
}

function firstFault(
  lines: readonly string[],
): { fault: (typeof FAULTS)[number]; line: string } | undefined {
  for (const line of lines) {
    const fault = FAULTS.find(({ pattern }) => pattern.test(line));
    if (fault !== undefined) return { fault, line };
  }
  return undefined;
}

interface KnownFault extends Explanation {
  readonly pattern: RegExp;
  readonly isFinal: boolean;
}

const FAULTS: readonly KnownFault[] = [
  {
    pattern: /materialization failed.*chat_template|chat_template field is required/i,
    what: "the model's folder has no chat template, without which Dynamo serves nothing",
    hint: 'Add "chat_template" to its tokenizer_config.json',
    isFinal: true,
  },
  {
    pattern: /materialization failed/i,
    what: "it cannot make the model that the workers registered",
    hint: "Check config.json, tokenizer.json and tokenizer_config.json in the model's folder",
    isFinal: false,
  },
  {
    pattern: /port \d+ already in use/i,
    what: "its port was taken by another program meanwhile",
    hint: "Run it again",
    isFinal: true,
  },
  {
    pattern: /Unknown arguments specified|unrecognized arguments|invalid choice/,
    what: "it does not know a flag",
    hint: "Leave the option out, or use another version of Dynamo",
    isFinal: true,
  },
];
