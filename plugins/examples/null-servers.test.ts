import { realContext, testEngine } from "dynbench/testing";
import plugin from "./null-servers.ts";

const NO_CACHE = "null servers keep nothing";

testEngine({
  engine: plugin,
  options: {},
  context: () => ({ ...realContext(), engineArgs: ["--ttft-ms", "1", "--itl-ms", "1"] }),
  skip: {
    "answers whole what is not streamed": "null servers always stream",
    "refuses in OpenAI's shape what it cannot serve": "null servers take anything",
    "stops working for a client that went away": "null servers tell no metrics",
    "tells the cached part of a repeated prompt, and none after a reset": NO_CACHE,
    "computes at least one token of a prompt that is cached whole": NO_CACHE,
    "publishes what its cache holds, and replays it to who missed it": NO_CACHE,
  },
});
