/** The workers that served a request, in the stream of Dynamo 1.6.1; events captured from the real frontend. */
import { describe, expect, test } from "bun:test";
import { Completion } from "../../../core/load/completion.ts";
import { readNvext, type Routing } from "../../../core/load/nvext.ts";

const head = `{"id":"cmpl-03336bd4","choices":[{"text":`;
const tail = `,"created":1795508144,"model":"mock","system_fingerprint":null,"object":"text_completion","usage":null`;
const ids = (prefill: string, decode: string) =>
  `"worker_id":{"prefill_worker_id":${prefill},"prefill_dp_rank":0,"decode_worker_id":${decode},"decode_dp_rank":0}`;
const TIMING = `"timing":{"request_received_ms":1795508144531,"prefill_wait_time_ms":0.46431100000000003,"prefill_time_ms":3.732748,"ttft_ms":4.197059,"total_time_ms":5.428851,"kv_hit_rate":0.75,"router_queue_depth":2}`;

/** Beyond 2^63; as doubles the two are one number. */
const A = "15212263236840132949";
const B = "15212263236840132950";

const token = (text: string, prefill = A, decode = A) =>
  `${head}"${text}","index":0}]${tail},"nvext":{${ids(prefill, decode)}}}`;
const finish = `${head}"","index":0,"finish_reason":"length"}]${tail},"nvext":{${ids(A, A)},${TIMING}}}`;
const usage = `{"id":"cmpl-03336bd4","choices":[],"model":"mock","usage":{"prompt_tokens":200,"completion_tokens":2,"total_tokens":202,"prompt_tokens_details":{"audio_tokens":null,"cached_tokens":128}}}`;

function stream(...events: string[]): Completion {
  const completion = new Completion();
  for (const [i, event] of events.entries()) {
    const bytes = Buffer.from(event);
    completion.event({ bytes, from: 0, end: bytes.length }, i * 1_000_000);
  }
  return completion;
}

describe("a stream of Dynamo", () => {
  test("names its worker with every digit, and its timing", () => {
    const completion = stream(token(" beven"), token(" betin"), finish, usage, "[DONE]");
    expect(completion.error).toBeUndefined();
    expect(completion.fields()).toMatchObject({ osl: 2, gapsNs: [1_000_000], cachedTokens: 128 });
    expect(completion.routing).toEqual({
      worker: A,
      prefillWorker: A,
      timing: {
        ...{ kvHitRate: 0.75, queueDepth: 2, prefillWaitMs: 0.46431100000000003 },
        ...{ prefillMs: 3.732748, ttftMs: 4.197059, totalMs: 5.428851 },
      },
    });
  });

  test("that breaks off still names its worker, with its first token", () => {
    expect(stream(token(" a"), token(" b")).routing).toEqual({ worker: A, prefillWorker: A });
  });

  test("of two roles has both workers", () => {
    expect(stream(token(" a", A, B)).routing).toEqual({ worker: B, prefillWorker: A });
  });

  test("that ends in an error frame under status 200 is a failure", () => {
    const frame = `{"error":{"message":"Service temporarily unavailable","type":"service_unavailable","code":503}}`;
    expect(stream(token(" a"), frame, "[DONE]").error).toMatchObject({ kind: "error-frame" });
  });

  test("is not misled by text that looks like it", () => {
    const text = String.raw` \"nvext\":{\"decode_worker_id\":7}`;
    expect(stream(`${head}"${text}","index":0}]${tail}}`).routing).toEqual({});
  });

  test("cut at any byte has the same content or none", () => {
    for (let end = 0; end < finish.length; end += 1) {
      const routing: Routing = {};
      readNvext(finish.slice(0, end), routing);
      // An id cut within its digits looks like a shorter one, so only whole events are read.
      if (routing.worker !== undefined) expect(A).toStartWith(routing.worker);
    }
  });
});
