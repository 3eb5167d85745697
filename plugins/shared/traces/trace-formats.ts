/** The formats of trace files. The first that recognizes a file is taken. Written by `npm run bundled`; do not edit. */
import { dynamo } from "../../trace-formats/dynamo.ts";
import { bailian } from "../../trace-formats/bailian.ts";
import { mooncake } from "../../trace-formats/mooncake.ts";
import { weka } from "../../trace-formats/weka.ts";
import { burstgpt } from "../../trace-formats/burstgpt.ts";
import { azure } from "../../trace-formats/azure.ts";
import { openai } from "../../trace-formats/openai.ts";
import { sharegpt } from "../../trace-formats/sharegpt.ts";
import type { TraceFormat } from "dynbench/trace";

export const TRACE_FORMATS: readonly TraceFormat[] = [
  dynamo,
  bailian,
  mooncake,
  weka,
  burstgpt,
  azure,
  openai,
  sharegpt,
];
