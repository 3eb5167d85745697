import { expect, test } from "bun:test";
import { v } from "dynbench";
import { powerOfTwo } from "../../../plugins/routers/power-of-two.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(powerOfTwo.options, {});

routingPolicyConformance("power-of-two", () => powerOfTwo.policy!(defaults));
