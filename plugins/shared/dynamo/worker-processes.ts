/**
 * Workers of a real engine on Dynamo's plane, a process each. The registration of each process must be
 * known, because each has its own GPUs and metrics: a worker's status server (DYN_SYSTEM_PORT) reports
 * its id. Paths, labels and endpoints are those of Dynamo 1.6.1.
 */
import { DynbenchError, v } from "dynbench";
import {
  fetchControl,
  lastJson,
  runForeign,
  type StartContext,
  type Worker,
  type WorkerRole,
  urlHost,
} from "dynbench/engine";
import { withoutInherited } from "./own-environment.ts";
import type { DynamoPlane } from "./plane.ts";
import type { Registration } from "./registration.ts";
import { componentOf, startWorkers, type WorkerStart } from "./workers.ts";

export interface WorkerProcess {
  readonly id: string;
  readonly role: WorkerRole;
  readonly command: readonly string[];
  /** What is added to the plane's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Of its status server. */
  readonly statusPort: number;
}

export interface ProcessWorkers {
  readonly workers: readonly Worker[];
  /** Empties every cache; undefined where a worker does not serve it. */
  readonly resetCache: (() => Promise<void>) | undefined;
}

/** Endpoint beside `generate` that empties a worker's prefix cache. */
const CLEAR_ENDPOINT = "clear_kv_blocks";
/** Its endpoints register within a moment of each other. */
const ENDPOINTS_LIMIT_MS = 2000;
const ENDPOINTS_POLL_MS = 50;
const RESET_LIMIT_MS = 60_000;

/** Starts all at once; resolves when each is registered and known by its name. */
export async function startWorkerProcesses(
  plane: DynamoPlane,
  processes: readonly WorkerProcess[],
  start: WorkerStart,
): Promise<ProcessWorkers> {
  const { context } = start;
  const launches = processes.map(({ id, role, command, env, statusPort }) => ({
    ...{ name: id, command, component: componentOf(role), count: 1 },
    env: { ...env, ...statusEnv(statusPort, context.host) },
  }));
  let registered = await startWorkers(plane, launches, start);
  const instances = await Promise.all(
    processes.map((process) => instanceOf(process, registered, context)),
  );
  for (let waitedMs = 0; waitedMs < ENDPOINTS_LIMIT_MS && !canClear(registered);) {
    await Bun.sleep(ENDPOINTS_POLL_MS);
    waitedMs += ENDPOINTS_POLL_MS;
    registered = await plane.registrations();
  }
  const workers = processes.map(({ id, role, statusPort }, index): Worker => {
    const { instance, card } = registered.find((each) => each.instance === instances[index])!;
    const { model: _model, ...sizes } = card!;
    const metricsUrl = `http://${urlHost(context.host)}:${statusPort}/metrics`;
    return { id, url: "", role, instance, ...sizes, metricsUrl };
  });
  const clear = (): Promise<void> => clearBlocks(plane, registered, context);
  return { workers, resetCache: canClear(registered) ? clear : undefined };
}

function statusEnv(port: number, host: string): Record<string, string> {
  return { DYN_SYSTEM_PORT: `${port}`, DYN_SYSTEM_HOST: host };
}

function canClear(registered: readonly Registration[]): boolean {
  return registered.every(({ endpoints }) => endpoints.includes(CLEAR_ENDPOINT));
}

/** The id under which a process has registered, as its metrics name it: in hex there. */
async function instanceOf(
  { id, statusPort }: WorkerProcess,
  registered: readonly Registration[],
  { host, signal }: StartContext,
): Promise<string> {
  const metrics = await fetchControl(`http://${urlHost(host)}:${statusPort}/metrics`, { signal });
  const instance = instanceIn(metrics);
  if (instance !== undefined && registered.some((each) => each.instance === instance)) {
    return instance;
  }
  const ids = registered.map((each) => each.instance).join(", ");
  throw new DynbenchError(
    "start",
    `Cannot find the registration of ${id}: its metrics name worker ${instance ?? "none"}, and there are ${ids}`,
    { hint: "Use another version of Dynamo; 1.6.1 names it in worker_id" },
  );
}

/** A u64 in decimal, from the labels of a worker's metrics. Pure. */
export function instanceIn(metrics: string): string | undefined {
  const hex = /\bworker_id="([0-9a-f]{1,16})"/.exec(metrics)?.[1];
  return hex === undefined ? undefined : BigInt(`0x${hex}`).toString();
}

const Cleared = v.object({ failures: v.array(v.string()) });

/** No HTTP path leads there: a client of Dynamo's runtime asks each worker. It takes half a second. */
async function clearBlocks(
  { discovery }: DynamoPlane,
  registered: readonly Registration[],
  { processes, signal }: StartContext,
): Promise<void> {
  const { python, env } = discovery;
  const asked = registered.map(({ namespace, component, instance }) => ({
    endpoint: `${namespace}.${component}.${CLEAR_ENDPOINT}`,
    instance,
  }));
  const command = [python, "-c", CLEAR_SCRIPT, JSON.stringify(asked)];
  const { code, lines } = await runForeign(processes, {
    name: "clear-kv-blocks",
    command: withoutInherited(command, { own: env, inherited: process.env }),
    ...{ env, signal, limitMs: RESET_LIMIT_MS },
  });
  const answer = v.safeParse(Cleared, lastJson(lines));
  const failures = answer.success
    ? answer.output.failures
    : [`exit code ${code}: ${lines.at(-1) ?? ""}`];
  if (failures.length === 0) return;
  throw new DynbenchError("start", `Cannot reset the workers' caches: ${failures.join("; ")}`, {
    hint: "Wait until no requests are running, and no other client sends any",
  });
}

/** A worker refuses while blocks of requests that were just ended are still held, so it is asked again. */
const CLEAR_SCRIPT = `
import asyncio, json, sys
from dynamo.runtime import dynamo_worker
async def clear(runtime, endpoint, instance):
    client = await runtime.endpoint(endpoint).client()
    await client.wait_for_instances()
    last = None
    for attempt in range(40):
        async for item in await client.direct("", int(instance)):
            last = item.data()
            if isinstance(last, dict) and last.get("status") == "success":
                return None
        await asyncio.sleep(0.25)
    return f"{endpoint} of {instance} answers {last}"
@dynamo_worker()
async def main(runtime):
    asked = json.loads(sys.argv[1])
    ends = await asyncio.gather(*(clear(runtime, **each) for each in asked))
    print("\\n" + json.dumps({"failures": [end for end in ends if end]}), flush=True)
asyncio.run(main())
`.trim();
