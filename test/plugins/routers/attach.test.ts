import { afterAll, expect, test } from "bun:test";
import type { EngineHandle, StartContext } from "dynbench/engine";
import { attach } from "../../../plugins/routers/attach.ts";

const servers: Bun.Server<undefined>[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop(true))));

/** A server that lists one model, as this program does. */
function serverOf(ownedBy: string | undefined): string {
  const data = [{ id: "m", object: "model", owned_by: ownedBy }];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ data }),
  });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

const started = (...url: string[]) =>
  attach.start!(
    { url, affinity: false, spreads: false },
    { servedModelName: "" } as EngineHandle,
    { signal: new AbortController().signal } as StartContext,
  );

test("Dynamo's frontend, recognized by the owner of its models, gets priorities as hints", async () => {
  // What 1.6.1 lists: "owned_by": "nvidia". It answers 400 to a top-level priority.
  expect((await started(serverOf("nvidia"))).priorityDialect).toBe("dynamo");
});

test("any other server gets the default fields", async () => {
  for (const owner of ["vllm", "sglang", "dynbench", undefined]) {
    expect(await started(serverOf(owner))).not.toHaveProperty("priorityDialect");
  }
});

test("servers that serve no common model are a fault of the start", async () => {
  const other = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ data: [{ id: "other" }] }),
  });
  servers.push(other);
  expect(started(serverOf("vllm"), `http://127.0.0.1:${other.port}`)).rejects.toThrow(
    "Cannot use the routers",
  );
});
