/** `--over engine.maxNumBatchedTokens=2048..16384`, `--over queuePolicy=fcfs,wspt`: what else may vary. */
import type { Fault } from "../base/errors.ts";
import { splitList } from "../plan/raw-option.ts";

export interface Over {
  /** As typed. */
  readonly text: string;
  /** The router's when left out. */
  readonly part?: "router" | "engine";
  /** Name of the option, as a flag or as a key. */
  readonly name: string;
  /** Both ends of a range, or the values of a list; the option says what they mean. */
  readonly values: readonly string[];
  readonly isRange: boolean;
}

const SHAPE = /^(?:(router|engine)\.)?([A-Za-z][\w-]*)=(.+)$/;

export function parseOver(text: string, faults: Fault[]): Over | undefined {
  const [, part, name, typed = ""] = SHAPE.exec(text) ?? [];
  const isRange = typed.includes("..");
  const values = isRange ? typed.split("..") : splitList(typed);
  const isWhole = isRange ? values.length === 2 && !values.includes("") : values.length > 1;
  if (name !== undefined && isWhole) {
    const of = part === undefined ? {} : { part: part as "router" | "engine" };
    return { text, ...of, name, values, isRange };
  }
  faults.push({
    path: "tune.over",
    message: `expected NAME=FROM..TO or NAME=VALUE,VALUE, got "${text}"`,
    hint: "--over engine.maxNumBatchedTokens=2048..16384, or --over queue-policy=fcfs,wspt",
  });
  return undefined;
}
