/** Prefill and decode on different workers: requests to each, the client's answer, and every failure. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOLD, type RoutingPolicy } from "../../../core/contract/routing-policy.ts";
import {
  answerJson,
  answerStream,
  chunk,
  deadPort,
  event,
  firstEligible,
  gatewayOf,
  patientWorker,
  STREAM_HEAD,
  until,
  type Received,
} from "./stand-ins.ts";

const REQUEST = '{"model":"m","prompt":[1,2,3,4,5],"max_tokens":20,"stream":true,"seed":7}';
const KV = { do_remote_prefill: true, remote_request_id: "r/1", remote_port: 5 };
const ASKED_TO_KEEP = {
  do_remote_decode: true,
  do_remote_prefill: false,
  remote_engine_id: null,
  remote_block_ids: null,
  remote_host: null,
  remote_port: null,
};

const prefillWorker = (id: string) => patientWorker(id, { role: "prefill" });
const decodeWorker = (id: string) => patientWorker(id, { role: "decode" });
const dead = (id: string, role: "prefill" | "decode") => ({
  id,
  url: `http://127.0.0.1:${deadPort()}`,
  role,
  blockSize: 4,
});

function answerPrefill(received: Received): void {
  answerJson(received, "200 OK", JSON.stringify({ choices: [{}], kv_transfer_params: KV }));
}

/** The request that makes a prefill worker release its KV. */
const RELEASE = "POST /dynbench/kv_release?request=r%2F1 HTTP/1.1";

describe("a request in two steps", () => {
  test("goes to a prefill worker for one token, then with the location of its KV to a decode worker", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([decode.worker, prefill.worker], firstEligible);
    const answer = gateway.post(REQUEST, { headers: { "x-request-id": "one" } });
    const first = await prefill.next();
    expect(JSON.parse(first.body)).toEqual({
      model: "m",
      prompt: [1, 2, 3, 4, 5],
      max_tokens: 1,
      stream: false,
      seed: 7,
      kv_transfer_params: ASKED_TO_KEEP,
    });
    expect(decode.requests).toHaveLength(0); // picked only when the prompt is computed
    answerPrefill(first);
    const second = await decode.next();
    expect(second.body).toBe(`{"kv_transfer_params":${JSON.stringify(KV)},${REQUEST.slice(1)}`);
    for (const { headers } of [first, second]) expect(headers.get("x-request-id")).toBe("one");
    answerStream(second);
    const response = await answer;
    expect(await response.text()).toContain("[DONE]");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-dynbench-worker": "me",
      "x-dynbench-routed-to": "d",
      "x-dynbench-prefill-worker": "p",
    });
    expect(prefill.requests).toHaveLength(1); // the decode worker lets go itself
    expect(await gateway.state()).toMatchObject({ requests: 1, decisions: 2, inFlight: 0 });
  });

  test("chats and streaming requests are cut to one token too", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const chat = {
      messages: [{ role: "user", content: "hi" }],
      max_completion_tokens: 9,
      min_tokens: 9,
      stream: true,
      stream_options: { include_usage: true },
      kv_transfer_params: { do_remote_prefill: true },
    };
    const answer = gateway.post(chat, { path: "/v1/chat/completions" });
    const first = await prefill.next();
    expect(first.line).toBe("POST /v1/chat/completions HTTP/1.1");
    expect(JSON.parse(first.body)).toEqual({
      messages: chat.messages,
      max_tokens: 1,
      stream: false,
      kv_transfer_params: ASKED_TO_KEEP,
    });
    answerPrefill(first);
    const second = await decode.next();
    expect(JSON.parse(second.body)).toEqual({ ...chat, kv_transfer_params: KV });
    answerStream(second);
    await (await answer).text();
  });

  test("the policy gets both stages, and each leaves the accounts when it ends", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    const heard: string[] = [];
    const policy: RoutingPolicy = {
      reads: ["activeBlocks"],
      pick: ({ stage, isl, osl, blocks }, { eligible, requests, prefillTokens }) => {
        heard.push(`${stage} ${isl}/${osl}/${blocks.length} [${requests}] [${prefillTokens}]`);
        return eligible[0]!;
      },
      dispatched: ({ stage }) => void heard.push(`dispatched ${stage}`),
      firstToken: ({ stage }) => void heard.push(`firstToken ${stage}`),
      ended: ({ stage }) => void heard.push(`ended ${stage}`),
    };
    await using gateway = await gatewayOf([prefill.worker, decode.worker], policy);
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    answerStream(await decode.next());
    await (await answer).text();
    await until(async () => (await gateway.state()).inFlight === 0);
    expect(heard).toEqual([
      "prefill 5/20/1 [0,0] [0,0]",
      "dispatched prefill",
      "firstToken prefill",
      "ended prefill",
      "decode 5/20/1 [0,0] [0,0]",
      "dispatched decode",
      "firstToken decode",
      "ended decode",
    ]);
  });

  test("both picks are in the decision log", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dynbench-test-"));
    const decisionsPath = join(folder, "decisions.jsonl");
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    const gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible, {
      decisionsPath,
    });
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    answerStream(await decode.next());
    await (await answer).text();
    await gateway[Symbol.asyncDispose]();
    const lines = readFileSync(decisionsPath, "utf8").trim().split("\n");
    rmSync(folder, { recursive: true });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { request: 0, stage: "prefill", worker: "p" },
      { request: 0, stage: "decode", worker: "d", costUs: { scan: 0, tokenise: 0, hash: 0 } },
    ]);
  });
});

describe("a prefill worker that fails", () => {
  test("by its death: another one computes the prompt", async () => {
    using prefill = prefillWorker("p0");
    using other = prefillWorker("p1");
    using decode = decodeWorker("d");
    const workers = [prefill.worker, other.worker, decode.worker];
    await using gateway = await gatewayOf(workers, firstEligible);
    const answer = gateway.post(REQUEST);
    (await prefill.next()).destroy();
    answerPrefill(await other.next());
    answerStream(await decode.next());
    const response = await answer;
    expect(response.headers.get("x-dynbench-prefill-worker")).toBe("p1");
    expect(await response.text()).toContain("[DONE]");
    expect(await gateway.state()).toMatchObject({ retries: 1, decisions: 3, inFlight: 0 });
  });

  test("by an error: the client gets it, and nothing is decoded", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const answer = gateway.post(REQUEST);
    answerJson(await prefill.next(), "400 Bad Request", '{"error":{"message":"too long"}}');
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([
      400,
      '{"error":{"message":"too long"}}',
    ]);
    expect(decode.requests).toHaveLength(0);
    expect(await gateway.state()).toMatchObject({ retries: 0, inFlight: 0 });
  });

  test.each(["{}", '{"kv_transfer_params":null}', '{"kv_transfer_params":[1]}', "[", "null"])(
    "by an answer without a hand-off: %s",
    async (json) => {
      using prefill = prefillWorker("p");
      using decode = decodeWorker("d");
      await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
      const answer = gateway.post(REQUEST);
      answerJson(await prefill.next(), "200 OK", json);
      const response = await answer;
      expect(response.status).toBe(502);
      expect(((await response.json()) as any).error.message).toBe(
        `p (${prefill.worker.url}) answered without kv_transfer_params`,
      );
      expect((await gateway.state()).inFlight).toBe(0);
    },
  );

  test("by being absent: 503 names only the prefill workers", async () => {
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([dead("p", "prefill"), decode.worker], firstEligible);
    const response = await gateway.post(REQUEST);
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as any;
    expect(error.message).toMatch(/^No worker can take the request: p \(.*\) is dead, [^;]*$/);
  });
});

describe("a decode worker that fails", () => {
  test("before its first byte: the KV is released, and the request starts again elsewhere", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d0");
    using other = decodeWorker("d1");
    const workers = [prefill.worker, decode.worker, other.worker];
    await using gateway = await gatewayOf(workers, firstEligible);
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    (await decode.next()).destroy();
    await prefill.next(3); // in either order, on connections of their own
    expect(prefill.requests.filter(({ line }) => line === RELEASE)).toHaveLength(1);
    const [first, again] = prefill.requests.filter(({ line }) => line !== RELEASE);
    expect(again!.body).toBe(first!.body);
    answerPrefill(again!);
    answerStream(await other.next());
    expect(await (await answer).text()).toContain("[DONE]");
    expect(await gateway.state()).toMatchObject({ retries: 1, decisions: 4, inFlight: 0 });
  });

  test("by an error: the client gets it, and the KV is released", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    answerJson(await decode.next(), "400 Bad Request", "{}");
    expect((await answer).status).toBe(400);
    expect((await prefill.next(2)).line).toBe(RELEASE);
  });

  test("after its first byte: the stream ends with an error event", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    const received = await decode.next();
    received.write(STREAM_HEAD + chunk(event("a")));
    const reader = (await answer).body!.getReader();
    await reader.read();
    received.destroy();
    let rest = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      rest += Buffer.from(read.value).toString();
    }
    expect(rest).toMatch(/^data: \{"error":\{.*broke off: d .*\}\}\n\n$/);
    expect(prefill.requests).toHaveLength(1);
  });

  test("by being absent: 503 names the decode workers, and the KV is released", async () => {
    using prefill = prefillWorker("p");
    await using gateway = await gatewayOf([prefill.worker, dead("d", "decode")], firstEligible);
    const answer = gateway.post(REQUEST);
    answerPrefill(await prefill.next());
    await prefill.next(3);
    answerPrefill(prefill.requests.filter(({ line }) => line !== RELEASE)[1]!);
    const response = await answer;
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as any;
    expect(error.message).toMatch(/^No worker can take the request: d \(.*\) is dead, [^;]*$/);
    await prefill.next(4);
    expect(prefill.requests.filter(({ line }) => line === RELEASE)).toHaveLength(2);
  });
});

describe("a client that goes away", () => {
  test("during the prefill closes the prefill worker's connection", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const leaving = new AbortController();
    const answer = gateway.post(REQUEST, { signal: leaving.signal }).catch(() => {});
    const first = await prefill.next();
    leaving.abort();
    await first.closed;
    await answer;
    await until(async () => (await gateway.state()).inFlight === 0);
    expect(prefill.requests).toHaveLength(1);
    expect(decode.requests).toHaveLength(0);
  });

  test("while the decode worker reads the KV closes its connection and releases the KV", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    await using gateway = await gatewayOf([prefill.worker, decode.worker], firstEligible);
    const leaving = new AbortController();
    const answer = gateway.post(REQUEST, { signal: leaving.signal }).catch(() => {});
    answerPrefill(await prefill.next());
    const second = await decode.next();
    leaving.abort();
    await second.closed;
    await answer;
    expect((await prefill.next(2)).line).toBe(RELEASE);
    await until(async () => (await gateway.state()).inFlight === 0);
  });

  test("while the policy holds its decode releases the KV", async () => {
    using prefill = prefillWorker("p");
    using decode = decodeWorker("d");
    const holdsDecodes: RoutingPolicy = {
      reads: [],
      pick: ({ stage }, { eligible }) => (stage === "decode" ? HOLD : eligible[0]!),
    };
    await using gateway = await gatewayOf([prefill.worker, decode.worker], holdsDecodes);
    const leaving = new AbortController();
    const answer = gateway.post(REQUEST, { signal: leaving.signal }).catch(() => {});
    answerPrefill(await prefill.next());
    await until(async () => (await gateway.state()).heldNow === 1);
    leaving.abort();
    await answer;
    expect((await prefill.next(2)).line).toBe(RELEASE);
    await until(async () => (await gateway.state()).heldNow === 0);
    expect(decode.requests).toHaveLength(0);
  });
});

test.each([
  ["there is no decode worker", ["prefill", "prefill"]],
  ["there is no prefill worker", ["decode"]],
  ["w2 does both prefill and decode, others do one", ["prefill", "decode", "aggregated"]],
] as const)("workers that cannot serve together are refused: %s", async (why, roles) => {
  const workers = roles.map((role, i) => ({
    id: `w${i}`,
    url: "http://127.0.0.1:1",
    role,
    blockSize: 4,
  }));
  await expect(gatewayOf(workers, firstEligible)).rejects.toThrow(why);
});
