/**
 * The requests of a workload, each checked when it is drawn: a fault is reported with the names of
 * workload and request, before the request reaches a server or a model. Pure.
 */
import { DynbenchError } from "../base/errors.ts";
import type { RequestSpec, Segment } from "../contract/request.ts";
import { mapRequests, type Requests } from "./requests.ts";

/** Beyond the context of any model; a length above it is a fault of the arithmetic. */
const MAX_TOKENS = 100_000_000;

/** Measured requests of a cell: at a thousand a second they take three hours. */
export const MAX_REQUESTS = 10_000_000;
export const MAX_WARMUP = 1_000_000;

/** The same requests; throws a `DynbenchError` at the first that no server can be sent. */
export function soundRequests(
  requests: Requests,
  workload: string,
  most = MAX_REQUESTS + MAX_WARMUP,
): Requests {
  let position = 0;
  const checked = (spec: RequestSpec): RequestSpec => {
    if (position >= most) throw tooMany(workload, most);
    const fault = requestFault(spec, position);
    if (fault === undefined) {
      position += 1;
      return spec;
    }
    throw new DynbenchError("plan", `Request ${position} of workload "${workload}" ${fault}`, {
      hint: "Correct the workload; dynbench plugin test checks one",
    });
  };
  return mapRequests(requests, checked);
}

function tooMany(workload: string, most: number): DynbenchError {
  const count = most.toLocaleString("en-US");
  return new DynbenchError("plan", `Workload "${workload}" has more than ${count} requests`, {
    hint: "Send a part of them: --requests 1000000",
  });
}

/** What is wrong with the request at this position, as the end of a sentence about it. */
export function requestFault(spec: RequestSpec, position: number): string | undefined {
  const { index, prompt, isl, osl, atNs, after } = spec;
  if (index !== position) return `has the index ${index}`;
  if (!isLength(isl)) return `has ${isl} prompt tokens`;
  if (!isLength(osl)) return `asks for ${osl} output tokens`;
  let tokens = 0;
  for (const segment of prompt) {
    const fault = segmentFault(segment, position);
    if (fault !== undefined) return fault;
    tokens += segment.tokens;
  }
  if (tokens !== isl) return `has ${isl} prompt tokens, and segments of ${tokens} together`;
  if (atNs !== undefined && !isTime(atNs)) return `is due at ${atNs} ns`;
  if (after === undefined) return undefined;
  if (!isEarlier(after.request, position)) {
    return `waits for request ${after.request}, which is not earlier`;
  }
  return isTime(after.thinkMs) ? undefined : `waits for ${after.thinkMs} ms`;
}

function segmentFault(segment: Segment, position: number): string | undefined {
  if (!isLength(segment.tokens)) return `has a segment of ${segment.tokens} tokens`;
  if ("content" in segment) {
    const isNumber = Number.isSafeInteger(segment.content) && segment.content >= 0;
    return isNumber ? undefined : `has a segment of content ${segment.content}`;
  }
  if (isEarlier(segment.answerOf, position)) return undefined;
  return `holds the answer of request ${segment.answerOf}, which is not earlier`;
}

function isLength(tokens: number): boolean {
  return Number.isInteger(tokens) && tokens >= 1 && tokens <= MAX_TOKENS;
}

function isTime(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function isEarlier(request: number, position: number): boolean {
  return Number.isInteger(request) && request >= 0 && request < position;
}
