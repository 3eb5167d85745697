/**
 * dynbench's null server: an OpenAI-style server that computes nothing and whose timing is known, so
 * that a load generator, ours or another, can be measured against the truth. It keeps, per request,
 * when the body had been read and when each event was written, and returns them at `GET /null/stats`.
 *
 * Timetable of a request, from the moment its body has been read: the first event after `ttftMs`, each
 * further one `itlMs` later; `max_tokens` tokens. It can also misbehave in every way a client must
 * survive. Raw sockets, because a server that costs more than its client measures itself.
 */
import type { Socket } from "bun";
import { monotonicNs, monotonicOriginMs } from "../../system/clock.ts";
import { Heap } from "../../workload/heap.ts";
import {
  NULL_SERVER_DEFAULTS,
  nullEvents,
  type NullEvent,
  type NullServerOptions,
} from "./null-events.ts";
import { RequestReader, type NullRequest } from "./null-request.ts";
import { Pacer } from "../../system/pacer.ts";

/** What really happened to one request; monotonic nanoseconds. */
export interface NullTruth {
  /** The request's `x-request-id`, or empty. */
  id: string;
  bodyReadNs: number;
  promptTokens: number;
  /** Taken just before each event with tokens is handed to the kernel: no client can be earlier. */
  writesNs: number[];
  /** The client closed before the answer was complete. */
  isAborted: boolean;
}

export interface NullServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Finished and running requests, oldest first, at most `MAX_TRUTHS`. */
  readonly truths: readonly NullTruth[];
  /** Connections accepted so far. */
  readonly connections: number;
}

/** Requests whose truth is kept; older ones are forgotten. */
export const MAX_TRUTHS = 50_000;

/** Starts it; throws when the port is taken. */
export function startNullServer(given: Partial<NullServerOptions> = {}): NullServer {
  const options = { ...NULL_SERVER_DEFAULTS, ...given };
  const service = new NullService(options);
  const listener = Bun.listen<Peer>({
    hostname: options.host,
    port: options.port,
    socket: {
      binaryType: "uint8array",
      open: (socket) => service.opened(socket),
      data: (socket, bytes) => service.received(socket, bytes),
      drain: (socket) => socket.data.flush(),
      close: (socket) => socket.data.closed(),
      error: (socket, error) => {
        if (!("syscall" in error)) queueMicrotask(() => Promise.reject(error));
        socket.terminate();
      },
    },
  });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${listener.port}`,
    port: listener.port,
    truths: service.truths,
    get connections() {
      return service.connections;
    },
    [Symbol.asyncDispose]: async () => {
      service.stop();
      listener.stop(true);
    },
  };
}

/** One timetable for all streams. */
class NullService {
  readonly truths: NullTruth[] = [];
  readonly #options: NullServerOptions;
  readonly #due = new Heap<Stream>((a, b) => a.dueNs < b.dueNs);
  readonly #pacer = new Pacer(() => this.#writeDue());
  #requests = 0;
  connections = 0;

  constructor(options: NullServerOptions) {
    this.#options = options;
  }

  opened(socket: Socket<Peer>): void {
    this.connections += 1;
    socket.setNoDelay(true);
    socket.data = new Peer(socket);
  }

  received(socket: Socket<Peer>, bytes: Uint8Array): void {
    const peer = socket.data;
    const atNs = monotonicNs();
    for (const request of peer.reader.push(bytes)) this.#answer(peer, request, atNs);
  }

  stop(): void {
    this.#pacer.cancel();
  }

  #answer(peer: Peer, request: NullRequest, atNs: number): void {
    if (request.method === "GET") {
      peer.write(this.#page(request.path));
      return;
    }
    this.#requests += 1;
    const truth: NullTruth = {
      id: request.id,
      bodyReadNs: atNs,
      promptTokens: request.promptTokens,
      writesNs: [],
      isAborted: false,
    };
    this.truths.push(truth);
    if (this.truths.length > MAX_TRUTHS) this.truths.shift();
    const { failEvery } = this.#options;
    const isFailing = failEvery > 0 && this.#requests % failEvery === 0;
    const status = isFailing ? 500 : this.#options.status;
    if (status !== 200) {
      peer.write(errorPage(status));
      return;
    }
    const events = nullEvents(request, this.#options);
    const stream: Stream = {
      peer,
      truth,
      events,
      next: 0,
      dueNs: atNs + this.#options.ttftMs * 1e6,
    };
    peer.stream = stream;
    this.#due.push(stream);
    this.#pacer.arm(this.#due.peek()!.dueNs);
  }

  #writeDue(): void {
    let nowNs = monotonicNs();
    for (let stream = this.#due.peek(); stream !== undefined && stream.dueNs <= nowNs;) {
      this.#due.pop();
      this.#write(stream);
      nowNs = monotonicNs();
      stream = this.#due.peek();
    }
    const next = this.#due.peek();
    if (next !== undefined) this.#pacer.arm(next.dueNs);
  }

  #write(stream: Stream): void {
    const { peer, truth, events } = stream;
    if (peer.isClosed) return;
    const event = events[stream.next]!;
    if (event.hasTokens) truth.writesNs.push(monotonicNs());
    peer.write(event.bytes);
    stream.next += 1;
    if (event.then === "close") peer.end();
    if (event.then !== undefined || stream.next === events.length) {
      peer.stream = undefined;
      if (this.#options.close) peer.end();
      return;
    }
    // Absolute: an event that is written late does not delay the ones after it.
    stream.dueNs += this.#options.itlMs * 1e6;
    this.#due.push(stream);
  }

  #stats(): NullStats {
    const { connections, truths: requests } = this;
    return { originEpochMs: monotonicOriginMs(), connections, requests };
  }

  #page(path: string): Uint8Array {
    if (path === "/null/stats") return jsonPage(200, this.#stats());
    if (path === "/v1/models") return jsonPage(200, { object: "list", data: [{ id: "null" }] });
    if (path === "/health") return jsonPage(200, {});
    return jsonPage(404, { detail: "Not Found" });
  }
}

/** `GET /null/stats`; `originEpochMs` is the Unix epoch of the stamps' zero. */
export interface NullStats {
  originEpochMs: number;
  connections: number;
  requests: NullTruth[];
}

interface Stream {
  peer: Peer;
  truth: NullTruth;
  events: readonly NullEvent[];
  next: number;
  dueNs: number;
}

/** One connection, with the bytes that the kernel did not take yet. */
class Peer {
  readonly reader = new RequestReader();
  readonly #socket: Socket<Peer>;
  #pending: Uint8Array[] = [];
  #isEnding = false;
  stream: Stream | undefined;
  isClosed = false;

  constructor(socket: Socket<Peer>) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): void {
    if (this.isClosed) return;
    if (this.#pending.length > 0) {
      this.#pending.push(bytes);
      return;
    }
    const count = Math.max(0, this.#socket.write(bytes));
    if (count < bytes.length) this.#pending.push(bytes.subarray(count));
  }

  flush(): void {
    const waiting = this.#pending;
    this.#pending = [];
    for (const bytes of waiting) this.write(bytes);
    if (this.#isEnding && this.#pending.length === 0) this.#socket.end();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#pending.length === 0) this.#socket.end();
  }

  closed(): void {
    this.isClosed = true;
    this.#pending = [];
    if (this.stream !== undefined) this.stream.truth.isAborted = true;
  }
}

function errorPage(status: number): Uint8Array {
  const error = {
    message: `the null server is set to answer ${status}`,
    type: "NullError",
    param: null,
    code: status,
  };
  return jsonPage(status, { error });
}

function jsonPage(status: number, value: unknown): Uint8Array {
  const body = JSON.stringify(value);
  return Buffer.from(
    `HTTP/1.1 ${status} Null\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
