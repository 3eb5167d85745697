/**
 * Flags of the scripts and of the frontend in Dynamo's Router Benchmarking Guide that have no
 * counterpart of the same form here: why, and what to type instead. Those that have one are aliases of it.
 */
import type { Fault } from "../base/errors.ts";

type Said = Pick<Fault, "message" | "hint">;

const ROLE: Said = {
  message: "workers of both roles are started by one command here",
  hint: "Say --prefill-workers 4 --decode-workers 4; they get their GPUs one after the other",
};
const NO_EVENTS: Said = {
  message: "whether KV events are used is part of the router here",
  hint: "Say --router dynamo:mode=kv-approx, or --router kv-approx for the built-in one",
};

const GUIDE_WORDS: Readonly<Record<string, Said>> = {
  mockers: { message: "simulated workers are an engine here", hint: "Say --engine mocker" },
  decode: ROLE,
  prefill: ROLE,
  "no-kv-events": NO_EVENTS,
  "no-router-kv-events": NO_EVENTS,
  "router-reset-states": {
    message: "there is no state of an earlier run here: each start has a namespace of its own",
    hint: "Leave it out",
  },
  "output-file": {
    message: "the results of a run are files in a folder",
    hint: "Say --out FOLDER; a trace is written by dynbench trace synthesize FILE --out FILE",
  },
};

/** What the flag is here; undefined for one that the guide does not have. */
export function guideFault(flag: string): Said | undefined {
  return Object.hasOwn(GUIDE_WORDS, flag) ? GUIDE_WORDS[flag] : undefined;
}
