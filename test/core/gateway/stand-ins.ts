/** Stand-ins for the gateway's tests: workers whose bytes the test writes, and simple policies. */
import type { Socket } from "bun";
import { startGateway } from "../../../core/gateway/gateway.ts";
import { TOKEN_HEADER } from "../../../core/gateway/reach.ts";
import type { GatewayTask } from "../../../core/process/messages.ts";
import type { Logger } from "../../../core/contract/processes.ts";
import type { Worker } from "../../../core/contract/request.ts";
import type { RoutingPolicy } from "../../../core/contract/routing-policy.ts";

/** A request as a stand-in worker received it; the test writes the answer byte by byte. */
export interface Received {
  readonly worker: string;
  readonly line: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  write(text: string): void;
  /** Breaks the connection. */
  destroy(): void;
  /** The peer closed its connection. */
  readonly closed: Promise<void>;
}

export interface StandInWorker extends Disposable {
  readonly worker: Worker;
  readonly port: number;
}

interface Peer {
  held: Buffer;
  closed: PromiseWithResolvers<void>;
}

/** Listens and calls `onRequest` for each whole request, `/health` included. */
export function startWorker(
  id: string,
  onRequest: (received: Received) => void,
  { port = 0, more = {} }: { port?: number; more?: Partial<Worker> } = {},
): StandInWorker {
  const listener = Bun.listen<Peer>({
    hostname: "127.0.0.1",
    port,
    socket: {
      binaryType: "buffer",
      open(socket) {
        socket.data = { held: Buffer.alloc(0), closed: Promise.withResolvers<void>() };
        socket.setNoDelay(true);
      },
      data(socket, bytes) {
        socket.data.held = Buffer.concat([socket.data.held, bytes]);
        for (
          let next = takeRequest(socket, id);
          next !== undefined;
          next = takeRequest(socket, id)
        ) {
          onRequest(next);
        }
      },
      close: (socket) => socket.data.closed.resolve(),
      error: (socket) => socket.data.closed.resolve(),
    },
  });
  const url = `http://127.0.0.1:${listener.port}`;
  return {
    port: listener.port,
    worker: { id, url, role: "aggregated", blockSize: 4, ...more },
    [Symbol.dispose]: () => listener.stop(true),
  };
}

/** A worker that keeps its requests for the test to answer. */
export function patientWorker(id: string, more: Partial<Worker> = {}) {
  const requests: Received[] = [];
  const standIn = startWorker(id, (received) => void requests.push(received), { more });
  return {
    ...standIn,
    requests,
    next: async (count = 1): Promise<Received> => {
      await until(() => requests.length >= count);
      return requests[count - 1]!;
    },
    [Symbol.dispose]: () => standIn[Symbol.dispose](),
  };
}

function takeRequest(socket: Socket<Peer>, worker: string): Received | undefined {
  const { held, closed } = socket.data;
  const headEnd = held.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [line = "", ...lines] = held.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = new Map(
    lines.map((header) => {
      const colon = header.indexOf(":");
      return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
    }),
  );
  const end = headEnd + 4 + Number(headers.get("content-length") ?? 0);
  if (held.length < end) return undefined;
  socket.data.held = held.subarray(end);
  return {
    worker,
    line,
    headers,
    body: held.subarray(headEnd + 4, end).toString("utf8"),
    write: (text) => void socket.write(text),
    destroy: () => socket.terminate(),
    closed: closed.promise,
  };
}

export const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" +
  "x-dynbench-worker: me\r\ntransfer-encoding: chunked\r\n\r\n";
export const STREAM_END = "0\r\n\r\n";

export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export function event(text: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, text }] })}\n\n`;
}

/** Answers at once, with two events and the usual end. */
export function answerStream(received: Received): void {
  const whole = [event("a"), event(received.worker), "data: [DONE]\n\n"].map(chunk).join("");
  received.write(STREAM_HEAD + whole + STREAM_END);
}

export function answerJson(received: Received, status: string, json: string): void {
  received.write(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  );
}

export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  /** Lines logged, with their level. */
  readonly logged: string[];
  post(
    body: unknown,
    more?: { path?: string; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  state(): Promise<any>;
  reset(cell?: string): Promise<Response>;
}

const TOKEN = "the run's own";

export async function gatewayOf(
  workers: readonly Worker[],
  policy: RoutingPolicy,
  task: Partial<GatewayTask> = {},
): Promise<RunningGateway> {
  const logged: string[] = [];
  const line = (level: string) => (message: string) => void logged.push(`${level} ${message}`);
  const log: Logger = {
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    debug: () => {},
  };
  const whole = {
    workers,
    model: "m",
    host: "127.0.0.1",
    port: 0,
    seed: 0,
    replica: 0,
    token: TOKEN,
    ...task,
  };
  const gateway = await startGateway(whole, { policy, log });
  const url = `http://127.0.0.1:${gateway.ready.port}`;
  return {
    url,
    logged,
    post: (body, { path = "/v1/completions", headers = {}, signal } = {}) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      }),
    state: async () => (await fetch(`${url}/dynbench/state`)).json(),
    reset: (cell) =>
      fetch(`${url}/dynbench/reset${cell === undefined ? "" : `?cell=${cell}`}`, {
        method: "POST",
        headers: { [TOKEN_HEADER]: TOKEN },
      }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** Always the first that may be picked. */
export const firstEligible: RoutingPolicy = {
  reads: [],
  pick: (_, view) => view.eligible[0]!,
};

/** Picks the worker with the most leading blocks by its events; the first one where none has any. */
export const mostOverlap: RoutingPolicy = {
  reads: ["blocks", "overlap"],
  index: { source: "events" },
  pick: (_, { eligible, overlapBlocks, scores }) => {
    for (const index of eligible) scores[index] = overlapBlocks[index]!;
    return eligible.reduce((best, index) =>
      overlapBlocks[index]! > overlapBlocks[best]! ? index : best,
    );
  },
};

/** Resolves when the condition holds; asks again after every turn of the event loop. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

/** A free port without a listener. */
export function deadPort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

export function deadWorker(id: string): Worker {
  return { id, url: `http://127.0.0.1:${deadPort()}`, role: "aggregated", blockSize: 4 };
}
