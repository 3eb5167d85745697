/** `--over engine.maxNumBatchedTokens=2048..16384`, `--over queuePolicy=fcfs,wspt`: what else may vary. */
import type { Fault } from "../base/errors.ts";

export interface Over {
  /** As typed. */
  readonly text: string;
  /** The router's when left out. */
  readonly part?: "router" | "engine";
  /** Name of the option, as a flag or as a key. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly scale: "linear" | "log";
  /** Instead of a range. */
  readonly choices?: readonly (string | boolean)[];
}

const SHAPE = /^(?:(router|engine)\.)?([A-Za-z][\w-]*)=(.+)$/;
const RANGE = /^(-?[\d.]+(?:e[+-]?\d+)?)\.\.(-?[\d.]+(?:e[+-]?\d+)?)$/i;
/** A range over more than this factor is walked in equal ratios. */
const LOG_FROM = 8;

export function parseOver(text: string, faults: Fault[]): Over | undefined {
  const fault = (message: string): undefined => {
    const hint = "--over engine.maxNumBatchedTokens=2048..16384, or --over queue-policy=fcfs,wspt";
    faults.push({ path: "tune.over", message: `${message}, got "${text}"`, hint });
    return undefined;
  };
  const [, part, name, values] = SHAPE.exec(text) ?? [];
  if (name === undefined || values === undefined) return fault("expected NAME=FROM..TO");
  const of = { text, name, ...(part === undefined ? {} : { part: part as "router" | "engine" }) };
  const range = RANGE.exec(values);
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    if (!(Number.isFinite(from) && Number.isFinite(to) && from < to)) {
      return fault("expected a range that goes up");
    }
    const isWide = from > 0 && to / from >= LOG_FROM;
    return { ...of, from, to, scale: isWide ? "log" : "linear" };
  }
  const choices = values.split(",").map((one) => ({ true: true, false: false })[one] ?? one);
  if (choices.length < 2 || choices.includes("")) return fault("expected NAME=FROM..TO or a list");
  return { ...of, from: 0, to: 1, scale: "linear", choices };
}
