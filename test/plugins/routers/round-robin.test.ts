import { expect, test } from "bun:test";
import { v } from "dynbench";
import { roundRobin } from "../../../plugins/routers/round-robin.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(roundRobin.options, {});

routingPolicyConformance("round-robin", () => roundRobin.policy!(defaults));
