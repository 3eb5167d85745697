/**
 * Every message between the processes of a run, declared once: what a child of this binary gets on
 * stdin, and what it writes to stdout, one JSON object a line.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { PlannedCell, PluginUse, Wire } from "../contract/plan.ts";
import type { PriorityDialect, Worker } from "../contract/request.ts";
import type { ClientHealth } from "../contract/result.ts";

interface ChildBase {
  readonly name: string;
  readonly host: string;
  readonly seed: number;
}

export type ChildMessage =
  | { readonly role: "keeper"; readonly marker: string }
  | (ChildBase & { readonly role: "engine"; readonly use: PluginUse; readonly task: unknown })
  | (ChildBase & { readonly role: "gateway"; readonly use: PluginUse; readonly task: GatewayTask })
  | (ChildBase & { readonly role: "load"; readonly use: PluginUse; readonly task: LoadTask });

/** What a child says on stdout besides the lines of its role. */
export type ChildAnswer =
  | { type: "ready"; ready: unknown }
  | { type: "failed"; code: ErrorCode; message: string; hint?: string | undefined };

/** The task of a gateway. */
export interface GatewayTask {
  readonly workers: readonly Worker[];
  /** The `model` it says it serves. */
  readonly model: string;
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly seed: number;
  /** Number of this gateway among several; each draws its own. */
  readonly replica: number;
  /** Where each decision is written as a line; nowhere when left out. */
  readonly decisionsPath?: string;
  /** Where each thing that the policy's host is told is written as a line; nowhere when left out. */
  readonly eventsPath?: string;
  /** Folder of the model's tokenizer.json; left out: text is read with the built-in tokenizer. */
  readonly tokenizer?: string;
  /** Text is what will come: its tokenizer is read before the start, and not at the first text. */
  readonly expectsText?: boolean;
  /** What messages call the policy. */
  readonly policyName?: string;
}

/** The task of a load process: one cell. */
export interface LoadTask {
  readonly cell: PlannedCell;
  readonly wire: Wire;
  /** Base URLs; slots and requests are dealt over them in turn. */
  readonly targets: readonly string[];
  readonly model: string;
  /** Folder of the model's tokenizer.json, for prompts as text; left out: the built-in one. */
  readonly tokenizer?: string;
  /** See `EngineHandle`. */
  readonly bareText?: boolean;
  /** Seed of the prompts' tokens: the cell's, unless its arms must not find each other's caches warm. */
  readonly tokenSeed?: number;
  /** Gets the request's session, or else its prefix group. */
  readonly keyHeader?: string;
  /** Extra top-level fields of each body, below those that the user gave. */
  readonly requestFields?: Readonly<Record<string, unknown>>;
  /** How priorities are written; vLLM's way when left out. */
  readonly priorityDialect?: PriorityDialect;
  /** Ids of workers by the names that answers have for them. */
  readonly workerNames?: Readonly<Record<string, string>>;
  /** Worker behind each target, where the load goes to workers directly; an answer's own word goes before. */
  readonly targetWorkers?: readonly (string | null)[];
}

/** The lines that are not records; those start with `{"cell":`. */
export type LoadMessage =
  /** The zero of the records' times: Unix epoch with fraction, and on this process's own clock. */
  | { type: "started"; epochMs: number; monotonicNs: number }
  | ({ type: "tick" } & LoadProgress)
  | { type: "done"; health: ClientHealth };

export interface LoadProgress {
  sent: number;
  inFlight: number;
  done: number;
  failed: number;
  /** Of the measured requests that succeeded so far. */
  ttftMsMean?: number;
  outputTokens: number;
  /** Since the start of the load, warm-up included. */
  elapsedS: number;
}

/** What the main process asks for, one JSON object a line. */
export type KeeperRequest =
  | {
      type: "start";
      id: number;
      name: string;
      command: readonly string[];
      env: Readonly<Record<string, string>>;
      cwd: string | undefined;
      holdsStdin: boolean;
      logPath: string;
    }
  | { type: "stop"; id: number; graceMs: number }
  | { type: "watch"; pid: number }
  | { type: "unwatch"; pid: number };

export type KeeperAnswer =
  | { type: "started"; id: number; pid: number }
  | { type: "refused"; id: number; message: string }
  | { type: "exited"; id: number; code: number | null; signal: string | null };
