import { expect, test } from "bun:test";
import { v } from "dynbench";
import { kvApprox } from "../../../plugins/routers/kv-approx.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(kvApprox.options, {});

routingPolicyConformance("kv-approx", () => kvApprox.policy!(defaults));
