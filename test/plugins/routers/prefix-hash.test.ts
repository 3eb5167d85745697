import { expect, test } from "bun:test";
import { v } from "dynbench";
import { prefixHash } from "../../../plugins/routers/prefix-hash.ts";
import { routingPolicyConformance } from "../../conformance/routing-policy.ts";

const defaults = v.parse(prefixHash.options, {});

routingPolicyConformance("prefix-hash", () => prefixHash.policy!(defaults));
