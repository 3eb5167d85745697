/**
 * The package's `dynbench/testing`: the suites that every plugin of a kind must pass, bundled or not,
 * and the helpers to call them. Each is called in a test file and declares its own tests.
 */
export { testEngine, type EngineSuite } from "./engine.ts";
export { inProcess, inProcessContext, type TriedContext } from "./in-process.ts";
export { realContext, SELF } from "./real-processes.ts";
export { sampleRun } from "./sample-run.ts";
export { inFolder, openReporter, testReporter, type ReporterSuite } from "./reporter.ts";
export { testRouter, type RouterSuite } from "./router.ts";
export { routingPolicyConformance } from "./routing-policy.ts";
export { testWorkload, type WorkloadSuite } from "./workload.ts";
