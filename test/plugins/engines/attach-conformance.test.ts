/** The attach engine passes the engine suite, over simulated workers. */
import { afterAll } from "bun:test";
import { v } from "dynbench";
import { attach } from "../../../plugins/engines/attach.ts";
import { mocker } from "../../../plugins/engines/mocker/mocker.ts";
import { testEngine } from "../../conformance/engine.ts";
import { inProcessContext } from "../../conformance/in-process.ts";

const quick = { workers: 2, timing: "b200", speedup: 50, blockSize: 16, kvBlocks: 400 };
const options = v.parse(mocker.options, quick);
const theirs = await mocker.start!(options, "http", inProcessContext(mocker, ""));
afterAll(() => theirs[Symbol.asyncDispose]());

testEngine({
  engine: attach,
  options: { workerUrl: theirs.workers.map(({ url }) => url), allowReset: true },
  context: () => inProcessContext(attach, ""),
  isAttached: true,
});
