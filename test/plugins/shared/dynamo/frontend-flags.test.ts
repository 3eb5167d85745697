/** Arguments of Dynamo's frontend, for the help texts of several versions. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { frontendFlags } from "../../../../plugins/shared/dynamo/frontend-flags.ts";
import type { FrontendWishes } from "../../../../plugins/shared/dynamo/router-policy.ts";
import { helpChoices, helpFlags } from "../../../../plugins/shared/dynamo/help-flags.ts";

/** `python -m dynamo.frontend --help` of ai-dynamo 1.6.1: usage, and of each flag its first line. */
const HELP_161 = await Bun.file(join(import.meta.dir, "fixtures/frontend-1.6.1.txt")).text();

/** 1.7 as 1.6.1 announces it: scoring and the queue are in the policy file alone. */
const HELP_17 = HELP_161.replace(
  /--router-(kv-overlap-score-credit|temperature|queue-threshold|queue-policy)\b/g,
  "--gone",
);

/** The form of 0.6, before credits, thresholds and modes were many. */
const HELP_06 = `usage: main.py [-h] [--router-mode {round-robin,random,kv}]
               [--kv-overlap-score-weight KV_OVERLAP_SCORE_WEIGHT] [--router-temperature T]
               [--no-kv-events] [--busy-threshold B] [--router-reset-states]

options:
  -h, --help            show this help message and exit
  --no-kv-events        Without it the router listens to events.
`;

const wish = (wishes: Partial<FrontendWishes>): FrontendWishes => ({
  mode: "kv",
  replicaSync: false,
  ...wishes,
});

describe("help texts", () => {
  test("flags are those of usage and list, not those that descriptions mention", () => {
    const flags = helpFlags(HELP_161);
    for (const flag of ["--router-mode", "--no-router-kv-events", "--aic-system", "--version"]) {
      expect(flags.has(flag)).toBe(true);
    }
    expect(flags.has("--router-reset-states")).toBe(false);
    expect([
      ...helpFlags("usage: x [--a]\n\n  --b B  beside --c\n      use --d instead\n"),
    ]).toEqual(["--a", "--b"]);
  });

  test("choices of a flag, where it has any", () => {
    expect(helpChoices(HELP_161, "--router-mode")).toEqual([
      ...["round-robin", "random", "power-of-two", "kv", "direct", "least-loaded"],
      "device-aware-weighted",
    ]);
    expect(helpChoices(HELP_161, "--http-port")).toBeUndefined();
  });
});

describe("1.6.1", () => {
  const given = (wishes: Partial<FrontendWishes>) => frontendFlags(HELP_161, wish(wishes));

  test("defaults pass nothing but the mode", () => {
    expect(given({})).toEqual({ argv: ["--router-mode", "kv"], faults: [] });
    expect(given({ mode: "least-loaded" }).argv).toEqual(["--router-mode", "least-loaded"]);
  });

  test("kv without events is kv mode with a flag", () => {
    expect(given({ mode: "kv-approx", ttlS: 30 }).argv).toEqual([
      ...["--router-mode", "kv", "--no-router-kv-events", "--router-ttl-secs", "30"],
    ]);
  });

  test("weights, queue, thresholds and replicas", () => {
    const all = given({
      ...{ overlapCredit: 0.5, temperature: 0.2, queueThreshold: 1, queuePolicy: "wspt" },
      ...{ decodeBlocksThreshold: 0.9, prefillTokensThreshold: 9000, replicaSync: true },
    });
    expect(all).toEqual({
      argv: [
        ...["--router-mode", "kv", "--router-kv-overlap-score-credit", "0.5"],
        ...["--router-temperature", "0.2", "--router-queue-threshold", "1"],
        ...["--router-queue-policy", "wspt", "--active-decode-blocks-threshold", "0.9"],
        ...["--active-prefill-tokens-threshold", "9000", "--router-replica-sync"],
      ],
      faults: [],
    });
  });
});

describe("other versions", () => {
  test("0.6 gets its own spellings, and options that it lacks are faults", () => {
    const old = frontendFlags(
      HELP_06,
      wish({ mode: "kv-approx", overlapCredit: 2, decodeBlocksThreshold: 0.8, queueThreshold: 1 }),
    );
    expect(old.argv).toEqual([
      ...["--router-mode", "kv", "--no-kv-events", "--kv-overlap-score-weight", "2"],
      ...["--busy-threshold", "0.8", "--router-reset-states"],
    ]);
    expect(old.faults).toEqual([
      { option: "queueThreshold", message: "its frontend has no --router-queue-threshold" },
    ]);
  });

  test("1.7 gets a policy file for options that are no longer flags", () => {
    const { argv, policy, faults } = frontendFlags(
      HELP_17,
      wish({ overlapCredit: 0.5, temperature: 0.2, queueThreshold: 1, queuePolicy: "wspt" }),
    );
    expect([argv, faults]).toEqual([["--router-mode", "kv"], []]);
    // Both parts were taken by the frontend of 1.6.1, which names its fields when it refuses one.
    expect(policy).toEqual({
      worker_selection: {
        ...{ aggregated: "dynbench", prefill: "dynbench", decode: "dynbench" },
        instances: [
          {
            ...{ name: "dynbench", type: "dynamo-default-cost-fn" },
            parameters: { overlap_score_credit: 0.5, router_temperature: 0.2 },
          },
        ],
      },
      default_policy_family: "all",
      uncached_isl_buckets: [{ min_tokens: 0, bucket: "any" }],
      policy_classes: [
        {
          ...{ name: "one", policy_family: "all", cache_bucket: "any", quantum: 1 },
          ...{ prefill_busy_threshold_frac: 1, queue_policy: "wspt" },
        },
      ],
    });
    expect(frontendFlags(HELP_17, wish({})).policy).toBeUndefined();
  });

  test("a mode that a version lacks is a fault that names the modes it has", () => {
    expect(frontendFlags(HELP_06, wish({ mode: "least-loaded" })).faults).toEqual([
      { option: "mode", message: "its modes are round-robin, random, kv" },
    ]);
  });
});
