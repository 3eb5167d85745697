import { expect, test } from "bun:test";
import { v } from "dynbench";
import { leastLoaded } from "../../../plugins/routers/least-loaded.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(leastLoaded.options, {});

routingPolicyConformance("least-loaded", () => leastLoaded.policy!(defaults));
