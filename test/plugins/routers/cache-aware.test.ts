import { expect, test } from "bun:test";
import { v } from "dynbench";
import { cacheAware } from "../../../plugins/routers/cache-aware.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(cacheAware.options, {});

routingPolicyConformance("cache-aware", () => cacheAware.policy!(defaults));
