/** The formats of traces that are read and written. The first that recognizes a file is taken. */
import { azure } from "./formats/azure.ts";
import { bailian } from "./formats/bailian.ts";
import { burstgpt } from "./formats/burstgpt.ts";
import { chatLog } from "./formats/chat-log.ts";
import { dynamoRequestTrace } from "./formats/dynamo-request-trace.ts";
import { mooncakeFormat } from "./formats/mooncake-format.ts";
import { sharegpt } from "./formats/sharegpt.ts";
import { weka } from "./formats/weka.ts";
import type { TraceFormat } from "./trace-format.ts";

export const TRACE_FORMATS: readonly TraceFormat[] = [
  dynamoRequestTrace,
  bailian,
  mooncakeFormat,
  weka,
  burstgpt,
  azure,
  chatLog,
  sharegpt,
];
