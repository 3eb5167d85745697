/** Exact command lines of the three routers, and the traits of their policies. */
import { afterAll, describe, expect, test } from "bun:test";
import { parse } from "valibot";
import type { EngineHandle } from "../../../../core/contract/engine.ts";
import type { Worker } from "../../../../core/contract/request.ts";
import { allWorkersIn } from "../../../../plugins/shared/external/rust-router.ts";
import { sglangArgv, sglangRouter } from "../../../../plugins/routers/sglang-router.ts";
import { smg, smgArgv } from "../../../../plugins/routers/smg.ts";
import {
  kvEventFlags,
  lookupHits,
  vllmRouter,
  vllmRouterArgv,
} from "../../../../plugins/routers/vllm-router.ts";

const at = { host: "127.0.0.1", ports: { http: 8100, metrics: 8101 }, workers: ["http://w:1"] };
const COMMON = "--host 127.0.0.1 --port 8100 --prometheus-host 127.0.0.1 --prometheus-port 8101";
const CACHE = "--cache-threshold 0.3 --balance-abs-threshold 64 --balance-rel-threshold 1.5";
const OFF = "--disable-retries --disable-circuit-breaker --worker-startup-check-interval 1";
const SMG_OFF =
  "--disable-worker-overload-protection --worker-warmup-secs 0 --worker-warmup-divert-every 0";
const SMG_END = "--shutdown-grace-period-secs 0 --log-level warn";

describe("commands", () => {
  const ofSmg = (options: object) => smgArgv(parse(smg.options, options), at).join(" ");

  test("of smg: its own balancing beside the policy is off unless requested", () => {
    expect(ofSmg({})).toBe(
      `launch ${COMMON} --worker-urls http://w:1 --policy cache_aware ${CACHE} ${OFF} ${SMG_OFF} ${SMG_END}`,
    );
    const on = {
      retries: true,
      circuitBreaker: true,
      overloadProtection: true,
      workerWarmup: true,
    };
    expect(ofSmg({ policy: "random", ...on })).toBe(
      `launch ${COMMON} --worker-urls http://w:1 --policy random --worker-startup-check-interval 1 ${SMG_END}`,
    );
  });

  test("of smg: options of a policy are passed only with that policy", () => {
    expect(ofSmg({ policy: "prefix_hash" })).toContain(
      "--prefix-token-count 256 --prefix-hash-load-factor 1.25",
    );
    // One retry, because without any it reads no bodies and has nothing to hash.
    expect(ofSmg({ policy: "prefix_hash" })).toContain(
      "--retry-max-retries 2 --max-buffered-request-bytes 536870912",
    );
    expect(ofSmg({ policy: "prefix_hash" })).not.toContain("--disable-retries");
    expect(ofSmg({ policy: "prefix_hash", retries: true })).not.toContain("--retry-max-retries");
    expect(ofSmg({ policy: "power_of_two" })).toContain("--power-of-two-load-metric expected_wait");
    expect(ofSmg({ policy: "manual", assignmentMode: "min_group" })).toContain(
      "--assignment-mode min_group",
    );
    expect(ofSmg({ policy: "round_robin" })).not.toContain("--prefix-token-count");
  });

  test("of sglang-router", () => {
    expect(sglangArgv(parse(sglangRouter.options, { policy: "manual" }), at).join(" ")).toBe(
      `launch ${COMMON} --worker-urls http://w:1 --policy manual ${OFF} --assignment-mode random --log-level warn`,
    );
  });

  test("of vllm-router, which has no sub-command and calls its log level warning", () => {
    expect(vllmRouterArgv(parse(vllmRouter.options, {}), at).join(" ")).toBe(
      `${COMMON} --worker-urls http://w:1 --policy cache_aware ${CACHE} ${OFF} --log-level warning`,
    );
  });
});

describe("kv_aware of vllm-router", () => {
  const kvEvents = { endpoint: "tcp://w:5", replayEndpoint: "tcp://w:6", topic: "" };
  const worker = (more: Partial<Worker> = {}): Worker => ({
    ...{ id: "worker-0", url: "http://w:1", role: "aggregated", blockSize: 64, kvEvents },
    ...more,
  });

  test("gets the address where each worker publishes, the block size and the model", () => {
    expect(kvEventFlags([worker()], "m").join(" ")).toBe(
      "--kv-event-source http://w:1=tcp://w:5 --kv-event-replay-source http://w:1=tcp://w:6 " +
        "--kv-event-block-size 64 --kv-event-model m",
    );
    const bare = worker({ url: "http://w:2", kvEvents: { endpoint: "tcp://w:7", topic: "" } });
    expect(kvEventFlags([worker(), bare], "m").slice(4, 6)).toEqual([
      "--kv-event-source",
      "http://w:2=tcp://w:7",
    ]);
  });

  test("is refused on workers whose events it would drop or misread", () => {
    const withTopic = worker({ kvEvents: { ...kvEvents, topic: "kv" } });
    expect(() => kvEventFlags([withTopic], "m")).toThrow(
      'it drops KV events with a topic, and those of worker "worker-0" have "kv"',
    );
    const { kvEvents: _, ...silent } = worker();
    expect(() => kvEventFlags([silent], "m")).toThrow('worker "worker-0" publishes no KV events');
    expect(() => kvEventFlags([worker(), worker({ blockSize: 16 })], "m")).toThrow(
      "workers have blocks of 64 and 16",
    );
  });

  test("proves by its lookups that events arrive", () => {
    const family = "vllm_router_kv_placement_lookups_total";
    expect(lookupHits(`${family}{result="miss"} 9\n${family}{result="hit"} 38\n`)).toBe(38);
    expect(lookupHits(`${family}{result="miss"} 9\n`)).toBe(0);
    expect(lookupHits("")).toBe(0);
  });

  test("declares what it needs, and takes token ids", () => {
    expect(vllmRouter.traits(parse(vllmRouter.options, { policy: "kv_aware" }))).toEqual({
      ...{ accepts: ["ids", "text", "chat"], affinity: true, spreads: false, kvEvents: true },
    });
  });
});

describe("traits", () => {
  test("token ids are sent only to vllm-router, and not where it cannot read them", () => {
    const accepts = (policy: string) =>
      vllmRouter.traits(parse(vllmRouter.options, { policy })).accepts;
    expect(accepts("round_robin")).toContain("ids");
    expect(accepts("cache_aware")).not.toContain("ids");
    expect(smg.traits(parse(smg.options, {})).accepts).not.toContain("ids");
    expect(sglangRouter.traits(parse(sglangRouter.options, {})).accepts).not.toContain("ids");
  });

  test("policies by key have the key in their header, and promise affinity", () => {
    const keyed = [smg, sglangRouter, vllmRouter].flatMap((router) =>
      (router.options.entries.policy.pipe[0].wrapped.options as readonly string[]).flatMap(
        (policy) => {
          const { keyHeader, affinity } = router.traits(parse(router.options, { policy }) as never);
          if (keyHeader === undefined) return [];
          expect(affinity).toBe(true);
          return `${router.name} ${policy} ${keyHeader}`;
        },
      ),
    );
    expect(keyed).toEqual([
      "smg consistent_hashing x-smg-routing-key",
      "smg manual x-smg-routing-key",
      "sglang-router manual x-smg-routing-key",
      "vllm-router consistent_hash x-session-id",
      "vllm-router sticky_least_loaded x-session-id",
    ]);
  });

  test("no policy promises both affinity and spreading", () => {
    for (const policy of ["round_robin", "random", "power_of_two", "cache_aware"]) {
      for (const router of [smg, sglangRouter, vllmRouter]) {
        const { affinity, spreads } = router.traits(parse(router.options, { policy }) as never);
        expect(affinity).toBe(policy === "cache_aware");
        expect(spreads).toBe(policy !== "cache_aware");
      }
    }
  });
});

test("ready means that all workers are in, not that it reports ready", async () => {
  let count = 1;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.json({ status: "ready", healthy_workers: count, total_workers: count }),
  });
  afterAll(() => server.stop(true));
  const engine = { workers: [{}, {}] } as unknown as EngineHandle;
  const url = `http://127.0.0.1:${server.port}`;
  await expect(allWorkersIn(url, engine)).rejects.toThrow("It has 1 of 2 workers");
  count = 2;
  await allWorkersIn(url, engine);
});
