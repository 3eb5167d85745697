import { describe, expect, test } from "bun:test";
import { HOLD, type RoutingPolicy } from "../../../core/contract/routing-policy.ts";
import { wordOf } from "../../../core/prompt/word-tokenizer.ts";
import {
  answerJson,
  answerStream,
  chunk,
  deadWorker,
  event,
  firstEligible,
  gatewayOf,
  patientWorker,
  startWorker,
  STREAM_END,
  STREAM_HEAD,
  until,
} from "./stand-ins.ts";

const STREAMED = { model: "m", prompt: [1, 2, 3, 4, 5], max_tokens: 2, stream: true };

describe("passing requests on", () => {
  test("forwards the body and the answer byte for byte, with headers of both", async () => {
    using worker = patientWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const body = ` { "prompt" : [ 1,2 ],\n"model":"é\\u00e9", "stream" : true , "x":1e2 } `;
    const answer = gateway.post(body, {
      headers: { "x-request-id": "r-1", "x-custom": "yes", authorization: "Bearer k" },
    });
    const received = await worker.next();
    expect(received.line).toBe("POST /v1/completions HTTP/1.1");
    expect(received.body).toBe(body);
    const headers = Object.fromEntries(received.headers);
    expect(headers).toMatchObject({
      "x-request-id": "r-1",
      "x-custom": "yes",
      authorization: "Bearer k",
    });
    expect(headers["host"]).toBe(new URL(worker.worker.url).host);
    const answered = event("a") + ": comment\r\n\r\n" + event("é") + "data: [DONE]\n\n";
    received.write(
      STREAM_HEAD + chunk(answered.slice(0, 30)) + chunk(answered.slice(30)) + STREAM_END,
    );
    const response = await answer;
    expect(await response.text()).toBe(answered);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-dynbench-worker": "me",
      "x-dynbench-routed-to": "worker-0",
      "x-dynbench-overlap-blocks": "0",
    });
  });

  test("passes on each event before the worker sends the next", async () => {
    using worker = patientWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const answer = gateway.post(STREAMED);
    const received = await worker.next();
    received.write(STREAM_HEAD);
    const reader = (await answer).body!.getReader();
    for (let i = 0; i < 20; i += 1) {
      received.write(chunk(event(`token ${i}`)));
      const { value } = await reader.read();
      expect(Buffer.from(value).toString()).toBe(event(`token ${i}`));
    }
    received.write(STREAM_END);
    expect((await reader.read()).done).toBe(true);
  });

  test("passes on an answer that is not streamed, with its length", async () => {
    using worker = startWorker("worker-0", (r) => answerJson(r, "200 OK", `{"choices": []}`));
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const response = await gateway.post({ ...STREAMED, stream: false });
    expect(response.headers.get("content-length")).toBe("15");
    expect(await response.text()).toBe(`{"choices": []}`);
  });

  test("passes on a worker's errors with their bodies, and tries no other worker", async () => {
    const json = `{"error":{"message":"no such model"}}`;
    for (const status of ["404 Not Found", "500 Internal Server Error", "400 Bad Request"]) {
      using worker = startWorker("worker-0", (r) => answerJson(r, status, json));
      using other = startWorker("worker-1", (r) => answerJson(r, "200 OK", "{}"));
      await using gateway = await gatewayOf([worker.worker, other.worker], firstEligible);
      const response = await gateway.post(STREAMED);
      expect([response.status, await response.text()]).toEqual([Number(status.slice(0, 3)), json]);
    }
  });

  test("keeps connections to the worker", async () => {
    using worker = startWorker("worker-0", answerStream);
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    for (let i = 0; i < 5; i += 1) await (await gateway.post(STREAMED)).text();
    expect((await gateway.state()).workers[0].connections).toBe(1);
  });

  test("carries many streams at once without mixing them", async () => {
    using worker = startWorker("worker-0", (received) => {
      const { user } = JSON.parse(received.body) as { user: string };
      received.write(STREAM_HEAD + chunk(event(user)));
      setImmediate(() => received.write(chunk(event(`${user} again`)) + STREAM_END));
    });
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const texts = await Promise.all(
      Array.from({ length: 200 }, async (_, i) =>
        (await gateway.post({ ...STREAMED, user: `u${i}` })).text(),
      ),
    );
    expect(texts).toEqual(texts.map((_, i) => event(`u${i}`) + event(`u${i} again`)));
    expect((await gateway.state()).inFlight).toBe(0);
  });

  test("closes the worker's connection when the client goes away", async () => {
    using worker = patientWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    for (const headSent of [false, true]) {
      const leaving = new AbortController();
      const answer = gateway.post(STREAMED, { signal: leaving.signal });
      const received = await worker.next(headSent ? 2 : 1);
      if (headSent) {
        received.write(STREAM_HEAD + chunk(event("a")));
        await (await answer).body!.getReader().read();
      }
      const gone = answer.catch(() => {});
      leaving.abort();
      await received.closed;
      await gone;
    }
    await until(async () => (await gateway.state()).inFlight === 0);
    expect((await gateway.state()).aborted).toBe(2);
  });

  test("passes on chats that are nested as deep as they like, for the worker to judge", async () => {
    using worker = startWorker("worker-0", answerStream);
    const deep = `{"messages":[${"[".repeat(45_000)}${"]".repeat(45_000)}]}`;
    for (const policy of [firstEligible, { ...firstEligible, reads: ["blocks"] as const }]) {
      await using gateway = await gatewayOf([worker.worker], policy);
      expect((await gateway.post(deep, { path: "/v1/chat/completions" })).status).toBe(200);
    }
  });

  test("refuses a body that is not a JSON object, and unknown paths", async () => {
    using worker = startWorker("worker-0", answerStream);
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const bad = await gateway.post(`{"prompt":[1`);
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ error: { type: "invalid_request_error", code: 400 } });
    const unknown = await fetch(`${gateway.url}/v2/x`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { type: "not_found" } });
  });
});

describe("workers that fail", () => {
  test("tries another worker when one refuses the connection, and not the dead one again", async () => {
    using worker = startWorker("worker-1", answerStream);
    await using gateway = await gatewayOf([deadWorker("worker-0"), worker.worker], firstEligible);
    const first = await gateway.post(STREAMED);
    expect(first.headers.get("x-dynbench-routed-to")).toBe("worker-1");
    expect(await first.text()).toContain("[DONE]");
    await (await gateway.post(STREAMED)).text();
    const state = await gateway.state();
    expect(state).toMatchObject({ requests: 2, retries: 1, decisions: 3 });
    expect(state.workers).toMatchObject([
      { alive: false, requests: 1, inFlight: 0 },
      { alive: true, requests: 2, inFlight: 0 },
    ]);
    expect(gateway.logged.filter((line) => line.includes("No requests to worker-0"))).toHaveLength(
      1,
    );
  });

  test("tries another worker when one closes before any byte of the answer, once", async () => {
    using worker = startWorker("worker-0", (received) => received.destroy());
    using other = startWorker("worker-1", (received) => received.destroy());
    using third = startWorker("worker-2", answerStream);
    await using gateway = await gatewayOf(
      [worker.worker, other.worker, third.worker],
      firstEligible,
    );
    const response = await gateway.post(STREAMED);
    expect(response.status).toBe(502);
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(error.type).toBe("upstream_error");
    expect(error.message).toContain("worker-1");
    expect((await gateway.state()).retries).toBe(1);
  });

  test("ends a stream that breaks with an error event and without [DONE]", async () => {
    using worker = patientWorker("worker-0");
    using other = startWorker("worker-1", answerStream);
    await using gateway = await gatewayOf([worker.worker, other.worker], firstEligible);
    const answer = gateway.post(STREAMED);
    const received = await worker.next();
    const sent = event("a") + `data: {"half`;
    received.write(STREAM_HEAD + chunk(sent));
    const reader = (await answer).body!.getReader();
    await reader.read();
    received.destroy();
    let rest = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      rest += Buffer.from(read.value).toString();
    }
    expect(rest).toMatch(/^\n\ndata: \{"error":\{.*worker-0.*\}\}\n\n$/);
    expect(rest).not.toContain("[DONE]");
    expect(await gateway.state()).toMatchObject({ brokenStreams: 1, retries: 0, inFlight: 0 });
  });

  test("answers 503 with the names of the workers when none is alive", async () => {
    const workers = [deadWorker("worker-0"), deadWorker("worker-1")];
    await using gateway = await gatewayOf(workers, firstEligible);
    await (await gateway.post(STREAMED)).text();
    const response = await gateway.post(STREAMED);
    expect(response.status).toBe(503);
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(error.type).toBe("no_worker_available");
    for (const { id, url } of workers) expect(error.message).toContain(`${id} (${url}) is dead`);
    expect((await fetch(`${gateway.url}/health`)).status).toBe(503);
  });

  test("uses a dead worker again when it answers a probe", async () => {
    const dead = deadWorker("worker-0");
    await using gateway = await gatewayOf([dead], firstEligible);
    expect((await gateway.post(STREAMED)).status).toBe(503);
    using _revived = startWorker(
      "worker-0",
      (received) => {
        if (received.line.startsWith("GET /health ")) answerJson(received, "200 OK", "");
        else answerStream(received);
      },
      { port: Number(new URL(dead.url).port) },
    );
    await until(async () => (await gateway.state()).workers[0].alive);
    expect((await gateway.post(STREAMED)).status).toBe(200);
  });
});

describe("policies", () => {
  test("answers 500 with the policy's name and reason when it throws or its pick is invalid", async () => {
    using worker = startWorker("worker-0", answerStream);
    const faults: [RoutingPolicy["pick"], RegExp][] = [
      [
        () => {
          throw new TypeError("x is undefined");
        },
        /policy "mine" threw TypeError: x is undefined/,
      ],
      [() => 7, /policy "mine" returned 7, which is no candidate/],
    ];
    for (const [pick, reason] of faults) {
      await using gateway = await gatewayOf(
        [worker.worker],
        { reads: [], pick },
        { policyName: "mine" },
      );
      for (let i = 0; i < 2; i += 1) {
        const response = await gateway.post(STREAMED);
        expect(response.status).toBe(500);
        expect(await response.json()).toMatchObject({
          error: { type: "policy_fault", message: expect.stringMatching(reason) },
        });
      }
      expect(await gateway.state()).toMatchObject({
        policyFaults: 2,
        firstPolicyFault: expect.stringMatching(reason),
        inFlight: 0,
      });
      expect(gateway.logged.filter((line) => reason.test(line))).toHaveLength(1);
    }
  });

  test("answers 500 when the policy picks a dead worker", async () => {
    using worker = startWorker("worker-1", answerStream);
    const stubborn: RoutingPolicy = { reads: [], pick: () => 0 };
    await using gateway = await gatewayOf([deadWorker("worker-0"), worker.worker], stubborn);
    const response = await gateway.post(STREAMED);
    expect(response.status).toBe(500);
    expect(((await response.json()) as any).error.message).toContain("worker-0 is dead");
  });

  test("a hook that throws is counted and costs no request", async () => {
    using worker = startWorker("worker-0", answerStream);
    const policy: RoutingPolicy = {
      ...firstEligible,
      firstToken: () => {
        throw new Error("hook");
      },
    };
    await using gateway = await gatewayOf([worker.worker], policy);
    expect(await (await gateway.post(STREAMED)).text()).toContain("[DONE]");
    expect((await gateway.state()).policyFaults).toBe(1);
  });

  test("get dispatch, first token and end in order, with key, session and lengths", async () => {
    using worker = patientWorker("worker-0");
    const heard: string[] = [];
    const policy: RoutingPolicy = {
      reads: [],
      pick: ({ key, session, isl, osl, priority, blocks }, { eligible }) => {
        heard.push(`pick ${key} ${session} ${isl} ${osl} ${priority} ${blocks.length}`);
        return eligible[0]!;
      },
      dispatched: () => void heard.push("dispatched"),
      firstToken: () => void heard.push("firstToken"),
      ended: () => void heard.push("ended"),
    };
    await using gateway = await gatewayOf([worker.worker], policy);
    const headers = { "x-dynbench-key": "g1", "x-session-id": "s1" };
    const answer = gateway.post({ ...STREAMED, priority: -3 }, { headers });
    const received = await worker.next();
    expect(heard).toEqual(["pick g1 s1 5 2 3 0", "dispatched"]);
    received.write(STREAM_HEAD + chunk(event("a")));
    const reader = (await answer).body!.getReader();
    await reader.read();
    expect(heard.slice(2)).toEqual(["firstToken"]);
    received.write(chunk(event("b")) + STREAM_END);
    while (!(await reader.read()).done) continue;
    expect(heard.slice(2)).toEqual(["firstToken", "ended"]);
  });

  test("a held request is sent when another ends, with the prefix hash of its own prompt", async () => {
    using worker = patientWorker("worker-0");
    const hashes = new Map<number, number>();
    const oneAtATime: RoutingPolicy = {
      reads: [],
      pick: (request, { eligible, requests }) => {
        if (requests[0]! > 0) return HOLD;
        hashes.set(request.id, request.prefixHash(1_000_000));
        return eligible[0]!;
      },
    };
    await using gateway = await gatewayOf([worker.worker], oneAtATime);
    const first = gateway.post(STREAMED);
    const received = await worker.next();
    const second = gateway.post(STREAMED);
    await until(async () => (await gateway.state()).heldNow === 1);
    const third = gateway.post({ ...STREAMED, prompt: [9, 9, 9, 9] });
    await until(async () => (await gateway.state()).heldNow === 2);
    answerStream(received);
    answerStream(await worker.next(2));
    answerStream(await worker.next(3));
    for (const answer of [first, second, third])
      expect(await (await answer).text()).toContain("[DONE]");
    expect(hashes.get(1)).toBe(hashes.get(0));
    expect(hashes.get(2)).not.toBe(hashes.get(0)!);
  });

  test("get text and chats as tokens of the word tokenizer, other text in pieces of bytes", async () => {
    using worker = startWorker("worker-0", answerStream);
    const seen: number[][] = [];
    const policy: RoutingPolicy = {
      reads: ["blocks"],
      pick: ({ isl, blocks }, { eligible }) => {
        seen.push([isl, ...blocks]);
        return eligible[0]!;
      },
    };
    await using gateway = await gatewayOf([worker.worker], policy);
    const ids = Array.from({ length: 8 }, (_, i) => 1000 + i);
    const text = ids.map(wordOf).join(" ");
    await (await gateway.post({ prompt: ids })).text();
    await (await gateway.post({ prompt: text })).text();
    expect((await gateway.state()).sharing).toBe("exact");
    const messages = [{ role: "user", content: text }];
    await (await gateway.post({ messages }, { path: "/v1/chat/completions" })).text();
    await (await gateway.post({ prompt: "sixteen bytes!!!and some more" })).text();
    // Block size 4: eight tokens are blocks 0 and 1; the chat has four tokens more (two of them
    // first, so its blocks differ); words of 7, 11, 4 and 4 bytes are 7 pieces, 1 block.
    expect(seen).toEqual([
      [8, 0, 1],
      [8, 0, 1],
      [12, 2, 3, 4],
      [7, 5],
    ]);
    expect(await gateway.state()).toMatchObject({
      sharing: "approximate",
      prompts: { ids: 1, words: 2, model: 0, bytes: 1, none: 0 },
    });
  });
});

describe("control", () => {
  test("serves models, health and gauges", async () => {
    using worker = startWorker("worker-0", answerStream);
    await using gateway = await gatewayOf([worker.worker], firstEligible, { model: "org/m" });
    await (await gateway.post(STREAMED)).text();
    const models = (await (await fetch(`${gateway.url}/v1/models`)).json()) as any;
    expect(models.data[0].id).toBe("org/m");
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain("dynbench_gateway_decisions_total 1\n");
    expect(metrics).toContain('dynbench_gateway_worker_alive{worker="worker-0"} 1\n');
  });

  test("refuses a reset while requests are in flight, and counts from zero after one", async () => {
    using worker = patientWorker("worker-0");
    await using gateway = await gatewayOf([worker.worker], firstEligible);
    const answer = gateway.post(STREAMED);
    const received = await worker.next();
    const reset = () => gateway.reset("c2");
    expect((await reset()).status).toBe(409);
    answerStream(received);
    await (await answer).text();
    expect((await reset()).status).toBe(200);
    const state = await gateway.state();
    expect(state).toMatchObject({
      requests: 0,
      decisions: 0,
      total: { requests: 1, decisions: 1 },
    });
    expect(state.workers[0].requests).toBe(0);
  });

  test("ends at once with open streams", async () => {
    using worker = patientWorker("worker-0");
    const gateway = await gatewayOf([worker.worker], firstEligible);
    const answer = gateway.post(STREAMED);
    const received = await worker.next();
    received.write(STREAM_HEAD + chunk(event("a")));
    const reader = (await answer).body!.getReader();
    await reader.read();
    await gateway[Symbol.asyncDispose]();
    await received.closed;
    expect(fetch(`${gateway.url}/health`)).rejects.toThrow();
    await reader.read().catch(() => {});
  });

  test("names the address when the port is taken, and refuses unequal block sizes", async () => {
    using worker = startWorker("worker-0", answerStream);
    expect(gatewayOf([worker.worker], firstEligible, { port: worker.port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${worker.port}`,
    );
    const other = { ...worker.worker, id: "worker-1", blockSize: 8 };
    expect(gatewayOf([worker.worker, other], firstEligible)).rejects.toThrow(
      "worker-0 has blocks of 4 tokens, worker-1 of 8",
    );
  });
});
