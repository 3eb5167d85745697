import { expect, test } from "bun:test";
import { v } from "dynbench";
import { random } from "../../../plugins/routers/random.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(random.options, {});

routingPolicyConformance("random", () => random.policy!(defaults));
