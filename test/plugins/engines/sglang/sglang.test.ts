/** The engine suite against a stand-in, because the engine needs GPUs. */
import { testEngine } from "../../../conformance/engine.ts";
import { realContext } from "../../../conformance/real-processes.ts";
import { standInPython } from "../../shared/model-servers/stand-in-python.ts";
import { sglang } from "../../../../plugins/engines/sglang/sglang.ts";

standInPython();

testEngine({
  engine: sglang,
  options: { workers: 2, blockSize: 32, maxModelLen: 2048 },
  context: realContext,
  hasOtherMetrics: true,
});
