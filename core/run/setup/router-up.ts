/** Brings one arm's router up in front of a running engine: the gateway for a policy, else its own program. */
import { given } from "../../base/given.ts";
import * as v from "valibot";
import { urlHost } from "../../wire/http/target.ts";
import { pythonOf } from "./must-find.ts";
import { fetchControl, fetchControlJson } from "../../wire/http/control.ts";
import { TOKEN_HEADER } from "../../gateway/reach.ts";
import type { RouterCost } from "../../contract/result.ts";
import type { PlannedArm } from "../../contract/plan.ts";
import type { GatewayTask } from "../../process/messages.ts";
import type { EngineHandle } from "../../contract/engine.ts";
import type { StartContext } from "../../contract/processes.ts";
import type { Router } from "../../contract/router.ts";
import type { Supervisor } from "../../process/supervisor.ts";
import type { PriorityDialect, WireForm } from "../../contract/request.ts";

export interface RunningRouter extends AsyncDisposable {
  readonly arm: number;
  readonly urls: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
  /** The `model` of requests, where the router chooses it. */
  readonly servedModelName?: string;
  readonly priorityDialect?: PriorityDialect;
  /** Forgets everything; left out where the router cannot, then it is restarted instead. */
  readonly reset?: (label: string) => Promise<void>;
  /** KV events applied since its start; left out where the router does not count them. */
  readonly eventsApplied?: () => Promise<number>;
  /** As `RouterHandle.prefixesFound`. */
  readonly prefixesFound?: () => Promise<number>;
  /** Where it serves metrics in Prometheus' text form. */
  readonly metricsUrls?: readonly string[];
  /** State of our own gateway; left out for external routers. */
  readonly state?: () => Promise<RouterState>;
}

export interface RouterState {
  readonly eventsApplied: number;
  readonly cost: RouterCost | undefined;
  readonly faults: number;
  readonly firstFault: string | undefined;
  readonly index: IndexState;
}

/** The index that the workers' KV events made, and the events that it could not use. */
export interface IndexState {
  /** Blocks that the index holds, of the replica that holds fewest. */
  readonly cachedBlocks: number;
  /** Events with blocks of another size than the engine's. */
  readonly otherBlockSize: number;
  /** Events of cache groups that keep only part of the context. */
  readonly ignored: number;
}

export interface RouterPlace {
  readonly arm: number;
  readonly planned: PlannedArm;
  readonly engine: EngineHandle;
  readonly replicas: number;
  /** How the load's prompts travel. */
  readonly form: WireForm;
  /** Of the first gateway, the next one's is the next; any free ones when left out. */
  readonly port?: number;
  readonly supervisor: Supervisor;
  readonly context: StartContext;
  /** Files for its decisions and for the events that reached it; left out for `dynbench up`. */
  readonly logs?: Pick<GatewayTask, "decisionsPath" | "eventsPath">;
}

/** Whether a process is started for the arm's router; one that already runs is only reached. */
export function startsRouter(router: Router, arm: PlannedArm, workers: number): boolean {
  return (
    router.policy !== undefined ||
    (router.processes?.(arm.router.options, workers) ?? []).length > 0
  );
}

export async function startRouter(router: Router, place: RouterPlace): Promise<RunningRouter> {
  return router.policy ? startGateways(place) : startExternal(router, place);
}

async function startExternal(
  router: Extract<Router, { start: unknown }>,
  place: RouterPlace,
): Promise<RunningRouter> {
  const { planned, engine } = place;
  const context = {
    ...place.context,
    ...pythonOf(planned),
    ...given({ port: place.port }),
  };
  const handle = await router.start(planned.router.options, engine, context);
  return {
    arm: place.arm,
    urls: handle.urls,
    facts: handle.facts,
    ...given({ servedModelName: handle.servedModelName, priorityDialect: handle.priorityDialect }),
    ...(handle.reset ? { reset: () => handle.reset!() } : {}),
    ...given({ metricsUrls: handle.metricsUrls }),
    ...(handle.eventsApplied ? { eventsApplied: () => handle.eventsApplied!() } : {}),
    ...(handle.prefixesFound ? { prefixesFound: () => handle.prefixesFound!() } : {}),
    [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
  };
}

async function startGateways(place: RouterPlace): Promise<RunningRouter> {
  const { supervisor, context, engine, planned } = place;
  await using stack = new AsyncDisposableStack();
  const token = crypto.randomUUID();
  const urls = await Promise.all(
    Array.from({ length: place.replicas }, async (_, replica) => {
      const name =
        place.replicas === 1 ? `router-${planned.label}` : `router-${planned.label}-${replica}`;
      const child = await supervisor.startReady({
        role: "gateway",
        name: name.replace(/[^A-Za-z0-9._-]+/g, "_"),
        host: context.host,
        seed: context.seed,
        use: planned.router,
        task: {
          workers: engine.workers,
          model: engine.servedModelName,
          host: context.host,
          port: place.port === undefined ? 0 : place.port + replica,
          seed: context.seed,
          replica,
          token,
          ...given({ tokenizer: engine.tokenizer }),
          expectsText: place.form !== "ids",
          policyName: planned.router.name,
          ...place.logs,
        },
      });
      stack.use(child);
      const { port } = v.parse(v.object({ port: v.number() }), child.ready);
      return `http://${urlHost(context.host)}:${port}`;
    }),
  );
  const owned = stack.move();
  const state = async (): Promise<RouterState> =>
    merge(await Promise.all(urls.map((url) => fetchControlJson(`${url}/dynbench/state`))));
  return {
    arm: place.arm,
    urls,
    facts: { gateway: "dynbench", replicas: place.replicas },
    reset: async (label) => {
      const query = `?cell=${encodeURIComponent(label)}`;
      const request = { method: "POST", headers: { [TOKEN_HEADER]: token } } as const;
      await Promise.all(urls.map((url) => fetchControl(`${url}/dynbench/reset${query}`, request)));
    },
    eventsApplied: async () => (await state()).eventsApplied,
    state,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const Spread = v.object({ p50: v.number(), p99: v.number() });
const GatewayState = v.object({
  eventsApplied: v.number(),
  decisions: v.number(),
  retries: v.number(),
  policyFaults: v.optional(v.number(), 0),
  firstPolicyFault: v.optional(v.string()),
  costUs: v.optional(
    v.object({
      tokenise: Spread,
      tokeniseWait: Spread,
      hash: Spread,
      lookup: Spread,
      score: Spread,
    }),
  ),
  workers: v.array(
    v.object({
      blocks: v.number(),
      events: v.optional(v.object({ otherBlockSize: v.number(), ignored: v.number() })),
    }),
  ),
});

/** Replicas together: counts are sums, quantiles the worst replica's (a sum of quantiles is none). */
function merge(raw: readonly unknown[]): RouterState {
  const states = raw.map((state) => v.parse(GatewayState, state));
  const sum = (of: (state: v.InferOutput<typeof GatewayState>) => number): number =>
    states.reduce((total, state) => total + of(state), 0);
  const worst = (key: "tokenise" | "tokeniseWait" | "hash" | "lookup" | "score") => ({
    p50: Math.max(...states.map((state) => state.costUs?.[key].p50 ?? 0)),
    p99: Math.max(...states.map((state) => state.costUs?.[key].p99 ?? 0)),
  });
  const decisions = sum((state) => state.decisions);
  const ofWorkers = (
    state: v.InferOutput<typeof GatewayState>,
    of: (worker: v.InferOutput<typeof GatewayState>["workers"][number]) => number | undefined,
  ): number => state.workers.reduce((total, worker) => total + (of(worker) ?? 0), 0);
  return {
    index: {
      cachedBlocks: Math.min(...states.map((state) => ofWorkers(state, ({ blocks }) => blocks))),
      otherBlockSize: sum((state) => ofWorkers(state, ({ events }) => events?.otherBlockSize)),
      ignored: sum((state) => ofWorkers(state, ({ events }) => events?.ignored)),
    },
    eventsApplied: sum((state) => state.eventsApplied),
    faults: sum((state) => state.policyFaults),
    firstFault: states.find((state) => state.firstPolicyFault)?.firstPolicyFault,
    cost:
      decisions === 0
        ? undefined
        : {
            hashUs: worst("hash"),
            lookupUs: worst("lookup"),
            scoreUs: worst("score"),
            tokeniseUs: worst("tokenise"),
            tokeniseWaitUs: worst("tokeniseWait"),
            decisions,
            eventsApplied: sum((state) => state.eventsApplied),
            retries: sum((state) => state.retries),
          },
  };
}
