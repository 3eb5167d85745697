/**
 * The package's `dynbench/testing`: the suites that every plugin of a kind must pass, ours and
 * others'. Each is called in a test file and declares its own tests.
 */
export { testEngine, type EngineSuite } from "./engine.ts";
export { inProcess, inProcessContext } from "./in-process.ts";
export { testReporter, type ReporterSuite } from "./reporter.ts";
export { routingPolicyConformance } from "./routing-policy.ts";
export { testWorkload, type WorkloadSuite } from "./workload.ts";
