/**
 * Every message between the processes of a run, each declared once, as a schema that its receiver
 * checks; the types follow from the schemas.
 *
 *   main → child   ChildMessage, the one line on a child's stdin
 *   child → main   ChildAnswer: `ready` or `failed`
 *   load → main    LoadMessage, and between them one line a record (`contract/record.ts`)
 *   main ↔ keeper  KeeperRequest, KeeperAnswer
 *
 * A message is one line of JSON. Stdout of a child carries only messages; logs go to stderr.
 */
import * as v from "valibot";
import { DynbenchError, messageOf, type ErrorCode } from "../base/errors.ts";
import type { PlannedCell, PluginUse, Wire } from "../contract/plan.ts";
import type { Worker } from "../contract/request.ts";
import type { ClientHealth, Settled } from "../contract/result.ts";
import { PlannedCellSchema, PluginUseSchema, WireSchema } from "../contract/plan-schema.ts";

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Keys that a plugin adds to its workers are dropped. */
const WorkerSchema = v.object({
  id: v.string(),
  url: v.string(),
  role: v.picklist(["aggregated", "prefill", "decode"]),
  instance: v.exactOptional(v.string()),
  blockSize: v.number(),
  kvBlocks: v.exactOptional(v.number()),
  maxModelLen: v.exactOptional(v.number()),
  kvEvents: v.exactOptional(
    v.object({
      endpoint: v.string(),
      replayEndpoint: v.exactOptional(v.string()),
      topic: v.string(),
    }),
  ),
  metricsUrl: v.exactOptional(v.string()),
});

/** The task of a gateway. */
const GatewayTaskSchema = v.strictObject({
  workers: v.array(WorkerSchema),
  /** The `model` that it serves. */
  model: v.string(),
  host: v.string(),
  /** 0: the system chooses. */
  port: Count,
  seed: Count,
  /** Number of this gateway among several; each draws its own random numbers. */
  replica: Count,
  /** Whoever changes the gateway's state must send it: the main process, and nobody else. */
  token: v.pipe(v.string(), v.minLength(1)),
  /** File for one line a decision; left out: none is written. */
  decisionsPath: v.exactOptional(v.string()),
  /** File for one line an event that reached the policy's host; left out: none is written. */
  eventsPath: v.exactOptional(v.string()),
  /** Folder of the model's tokenizer.json; left out: text is read with the built-in tokenizer. */
  tokenizer: v.exactOptional(v.string()),
  /** Prompts come as text: the tokenizer is read before the start, not at the first text. */
  expectsText: v.exactOptional(v.boolean()),
  /** Name of the policy in messages. */
  policyName: v.exactOptional(v.string()),
});

/** The task of a load process: one cell. */
const LoadTaskSchema = v.strictObject({
  cell: PlannedCellSchema,
  wire: WireSchema,
  /** Base URLs; slots and requests are dealt over them in turn. */
  targets: v.array(v.string()),
  model: v.string(),
  /** Folder of the model's tokenizer.json, for prompts as text; left out: the built-in one. */
  tokenizer: v.exactOptional(v.string()),
  /** See `EngineHandle`. */
  bareText: v.exactOptional(v.boolean()),
  /** Seed of the prompts' tokens: the cell's, unless its arms must not find each other's caches warm. */
  tokenSeed: v.exactOptional(Count),
  /** Header that carries the request's session, or else its prefix group. */
  keyHeader: v.exactOptional(v.string()),
  /** Extra top-level fields of each body, below those that the user gave. */
  requestFields: v.exactOptional(v.record(v.string(), v.unknown())),
  /** How priorities are written; vLLM's way when left out. */
  priorityDialect: v.exactOptional(v.picklist(["vllm", "dynamo"])),
  /** Ids of workers by the names that answers have for them. */
  workerNames: v.exactOptional(v.record(v.string(), v.string())),
  /** Worker behind each target, where the load goes to workers directly; a name in the answer goes before. */
  targetWorkers: v.exactOptional(v.array(v.nullable(v.string()))),
  /** Drive the cell's settling load instead of its requests; `seed` is that of its contents. */
  settling: v.exactOptional(v.strictObject({ seed: Count })),
});

const CHILD = { name: v.string(), host: v.string(), seed: Count, use: PluginUseSchema };

export const ChildMessageSchema = v.variant("role", [
  v.strictObject({ role: v.literal("keeper"), marker: v.string() }),
  v.strictObject({ role: v.literal("engine"), ...CHILD, task: v.exactOptional(v.unknown()) }),
  v.strictObject({ role: v.literal("gateway"), ...CHILD, task: GatewayTaskSchema }),
  v.strictObject({ role: v.literal("load"), ...CHILD, task: LoadTaskSchema }),
]);

const ERROR_CODES = ["bug", "plan", "start", "load", "untrusted", "interrupted"] as const;

const Failed = v.strictObject({
  type: v.literal("failed"),
  code: v.picklist(ERROR_CODES satisfies readonly ErrorCode[]),
  message: v.string(),
  hint: v.exactOptional(v.string()),
});

/** Of an engine or gateway once it serves, and of every child that cannot. */
export const ChildAnswerSchema = v.variant("type", [
  /** Its content depends on the role; the code that started the child checks it. */
  v.strictObject({ type: v.literal("ready"), ready: v.exactOptional(v.unknown()) }),
  /** Sent each time after it stood still for so long. */
  v.strictObject({ type: v.literal("paused"), ms: v.number() }),
  Failed,
]);

const Progress = {
  sent: Count,
  inFlight: Count,
  done: Count,
  failed: Count,
  /** Of the measured requests that succeeded so far. */
  ttftMsMean: v.exactOptional(v.number()),
  outputTokens: Count,
  /** Since the start of the load, warm-up included. */
  elapsedS: v.number(),
};

const ClientHealthSchema = v.strictObject({
  latenessMs: v.strictObject({ p50: v.number(), p99: v.number(), max: v.number() }),
  requestedRps: v.exactOptional(v.number()),
  sentRps: v.exactOptional(v.number()),
  loopLagMs: v.exactOptional(
    v.strictObject({ mean: v.exactOptional(v.number()), p99: v.number(), max: v.number() }),
  ),
  cpuSeconds: v.exactOptional(v.number()),
  busyShare: v.exactOptional(v.number()),
  maxRssMb: v.exactOptional(v.number()),
  pathMs: v.exactOptional(v.number()),
  clockStepMs: v.exactOptional(v.number()),
  connections: v.exactOptional(Count),
  retries: v.exactOptional(Count),
});

const SettledSchema = v.strictObject({
  requests: Count,
  seconds: v.number(),
  isStill: v.boolean(),
  ttftMs: v.pipe(v.array(v.number()), v.readonly()),
});

/** The lines of a load process that are not records; those start with `{"cell":`. */
export const LoadMessageSchema = v.variant("type", [
  /** The zero of the records' times: Unix epoch with fraction, and on this process's own clock. */
  v.strictObject({ type: v.literal("started"), epochMs: v.number(), monotonicNs: v.number() }),
  v.strictObject({ type: v.literal("tick"), ...Progress }),
  v.strictObject({
    type: v.literal("done"),
    health: ClientHealthSchema,
    settled: v.exactOptional(SettledSchema),
  }),
  Failed,
]);

export const KeeperRequestSchema = v.variant("type", [
  v.strictObject({
    type: v.literal("start"),
    id: Count,
    name: v.string(),
    command: v.array(v.string()),
    env: v.record(v.string(), v.string()),
    cwd: v.exactOptional(v.string()),
    holdsStdin: v.boolean(),
    logPath: v.string(),
  }),
  v.strictObject({ type: v.literal("stop"), id: Count, graceMs: v.number() }),
  /** The keeper ends this process group when the main process vanishes. */
  v.strictObject({ type: v.literal("watch"), pid: Count }),
  v.strictObject({ type: v.literal("unwatch"), pid: Count }),
]);

export const KeeperAnswerSchema = v.variant("type", [
  v.strictObject({ type: v.literal("started"), id: Count, pid: Count }),
  v.strictObject({ type: v.literal("refused"), id: Count, message: v.string() }),
  v.strictObject({
    type: v.literal("exited"),
    id: Count,
    code: v.nullable(v.number()),
    signal: v.nullable(v.string()),
  }),
  Failed,
]);

/** Data as a receiver sees it: a message is never changed. */
type ReadOnly<T> = T extends object ? { readonly [Key in keyof T]: ReadOnly<T[Key]> } : T;
type Message<Schema extends v.GenericSchema> = ReadOnly<v.InferOutput<Schema>>;

export type ChildMessage = Message<typeof ChildMessageSchema>;
export type ChildAnswer = Message<typeof ChildAnswerSchema>;
export type GatewayTask = Message<typeof GatewayTaskSchema>;
export type LoadTask = Message<typeof LoadTaskSchema>;
export type LoadMessage = Message<typeof LoadMessageSchema>;
export type LoadProgress = Omit<Extract<LoadMessage, { type: "tick" }>, "type">;
export type KeeperRequest = Message<typeof KeeperRequestSchema>;
export type KeeperAnswer = Message<typeof KeeperAnswerSchema>;

/** Whether two types are the same, optional keys and all. */
type Same<A, B> =
  (<T>() => T extends ReadOnly<A> ? 1 : 2) extends <T>() => T extends ReadOnly<B> ? 1 : 2
    ? true
    : false;

/** The contract declares these; a key that only one side has fails here, when types are checked. */
const AGREES: readonly true[] = [
  true satisfies Same<v.InferOutput<typeof PlannedCellSchema>, PlannedCell>,
  true satisfies Same<v.InferOutput<typeof PluginUseSchema>, PluginUse>,
  true satisfies Same<v.InferOutput<typeof WireSchema>, Wire>,
  true satisfies Same<v.InferOutput<typeof WorkerSchema>, Worker>,
  true satisfies Same<v.InferOutput<typeof ClientHealthSchema>, ClientHealth>,
  true satisfies Same<v.InferOutput<typeof SettledSchema>, Settled>,
];
void AGREES;

/** As much of a line as a message can show. */
const SHOWN_CHARACTERS = 200;

/** The message in a line from a child's stdout. Throws an error that names the child and its log. */
export function messageFrom<const Schema extends v.GenericSchema>(
  child: { readonly name: string; readonly logPath: string },
  schema: Schema,
  line: string,
): Message<Schema> {
  try {
    return parseMessage(schema, line);
  } catch (cause) {
    throw malformed(child, line, cause);
  }
}

/** A line of a child's stdout that is no message or record. `cause` holds what was expected. */
export function malformed(
  { name, logPath }: { readonly name: string; readonly logPath: string },
  line: string,
  cause: unknown,
): DynbenchError {
  const fault = cause instanceof SyntaxError ? "it is not JSON" : messageOf(cause);
  return new DynbenchError("load", `Process "${name}" wrote a malformed message: ${fault}`, {
    cause,
    hint:
      `The line was: ${line.slice(0, SHOWN_CHARACTERS)}\n` +
      `A plugin must print to stderr, because stdout carries messages. See ${logPath}`,
  });
}

/** The message in a line. Throws what was expected where, or a `SyntaxError`. */
export function parseMessage<const Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
): Message<Schema> {
  const parsed = v.safeParse(schema, JSON.parse(line));
  if (parsed.success) return parsed.output as Message<Schema>;
  const [issue] = parsed.issues;
  throw new Error(`${v.getDotPath(issue) ?? "message"}: ${issue.message}`);
}
