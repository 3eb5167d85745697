import { expect, test } from "bun:test";
import { v } from "dynbench";
import { kv } from "../../../plugins/routers/kv.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(kv.options, {});

routingPolicyConformance("kv", () => kv.policy!(defaults));
