/**
 * The command and environment of one vLLM worker on Dynamo's plane (`python -m dynamo.vllm`). Pure.
 * Flags are those of Dynamo 1.6.1, whose help lists vLLM's beside its own; older ones where the help
 * says so.
 */
import type { WorkerRole } from "dynbench";
import { engineFlags, flagsFor, kvEventsFlag, refuseOwn, serverEnv } from "./command.ts";
import type { VllmOptions } from "./vllm-options.ts";

export const DYNAMO_MODULE = "dynamo.vllm";

export interface DynamoWorker {
  readonly options: VllmOptions;
  readonly role: WorkerRole;
  /** What it loads: a folder, since nothing may be fetched on the plane. */
  readonly model: string;
  readonly servedModelName: string;
  /** Flags that this Dynamo and its vLLM know; none when they were not asked. */
  readonly flags: ReadonlySet<string>;
  readonly ports: { readonly kvEvents: number | string; readonly replay: number | string };
  readonly engineArgs: readonly string[];
}

/** As Dynamo's own examples name it. */
const DYNAMO_TOPIC = "kv-events";

const OWN_FLAGS = [
  ...["--model", "--served-model-name", "--kv-events-config", "--namespace", "--endpoint"],
  ...["--discovery-backend", "--request-plane", "--event-plane", "--disaggregation-mode"],
];

export function dynamoCommand(worker: DynamoWorker): string[] {
  const { options, model, servedModelName, engineArgs } = worker;
  refuseOwn(OWN_FLAGS, engineArgs);
  const names = ["--model", model, "--served-model-name", servedModelName];
  const wanted = [
    ...engineFlags(options),
    kvEventsFlag(worker.ports, DYNAMO_TOPIC),
    ...roleFlags(worker),
  ];
  const flags = flagsFor(wanted, worker);
  return [options.python, "-m", DYNAMO_MODULE, ...names, ...flags, ...engineArgs];
}

/**
 * A role and how KV travels between the two. Before `--disaggregation-mode` (Dynamo 1.0) NIXL was the
 * default connector; since then a prefill worker without a transfer config does not start. vLLM 0.31
 * calls "kv_both" with NIXL deprecated; older ones do not look at the role.
 */
function roleFlags({ role, flags }: Pick<DynamoWorker, "role" | "flags">): string[][] {
  if (role === "aggregated") return [];
  if (flags.size > 0 && !flags.has("--disaggregation-mode")) return [[`--is-${role}-worker`]];
  const kvRole = role === "prefill" ? "kv_producer" : "kv_consumer";
  const transfer = { kv_connector: "NixlConnector", kv_role: kvRole };
  return [
    ["--disaggregation-mode", role],
    ["--kv-transfer-config", JSON.stringify(transfer)],
  ];
}

/** Environment of a worker beside the plane's. */
export function dynamoEnv(of: {
  readonly gpus: readonly string[] | undefined;
  readonly cpus: string | undefined;
  readonly users: Readonly<Record<string, string>>;
  readonly role: WorkerRole;
  /** Where the other role's workers fetch KV; each on a host needs its own. */
  readonly transferPort: number | string;
  readonly host: string;
}): Record<string, string> {
  const { users, role, transferPort, host, ...place } = of;
  const transfer = {
    // Else the worker looks for an outside address of the machine.
    VLLM_NIXL_SIDE_CHANNEL_HOST: host,
    VLLM_NIXL_SIDE_CHANNEL_PORT: `${transferPort}`,
  };
  return {
    ...serverEnv({ ...place, users: {} }),
    ...(role === "aggregated" ? {} : transfer),
    ...users,
  };
}
