import { routingPolicyConformance } from "dynbench/testing";
import plugin from "./longest-prefix.ts";

routingPolicyConformance("longest-prefix", () => plugin.policy!({ maxRequests: 8 }));
