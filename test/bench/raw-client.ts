/**
 * The simplest possible client: reads event streams from raw sockets and takes the time of each
 * event, without checks and records. Against the null server it measures the floor set by server,
 * kernel and machine at this hour, to which the load generator is compared.
 */
import type { Socket } from "bun";
import { monotonicNs, monotonicOriginMs } from "../../core/system/clock.ts";
import { Pacer } from "../../core/system/pacer.ts";

export interface RawTask {
  port: number;
  /** Tokens, and so events with tokens, of each answer. */
  osl: number;
  /** When each request is due, in nanoseconds after the start, ascending. */
  dueNs: readonly number[];
}

export interface RawResult {
  /** Unix epoch of the stamps' zero. */
  originEpochMs: number;
  /** From the start to the last answer. */
  cpuSeconds: number;
  /** Per request, in the order of `dueNs`: when each event with tokens was read. */
  stampsNs: number[][];
}

/** Sends each request when it is due, over kept connections; resolves when all are answered. */
export async function runRawClient(task: RawTask): Promise<RawResult> {
  const client = new RawClient(task);
  const cpu = process.cpuUsage();
  const stampsNs = await client.run();
  const { user, system } = process.cpuUsage(cpu);
  return {
    originEpochMs: monotonicOriginMs(),
    cpuSeconds: (user + system) / 1e6,
    stampsNs: stampsNs.map((stamps) => [...stamps]),
  };
}

/** One connection and the answer that it carries. */
interface Stream {
  socket: Socket<Stream> | undefined;
  request: number;
  events: number;
  /** The byte before was a line feed. */
  isLineEnd: boolean;
}

const LF = 10;
/** Usage and `[DONE]` come after the last token. */
const CLOSING_EVENTS = 2;

class RawClient {
  readonly #task: RawTask;
  readonly #requests: Uint8Array[];
  readonly #stampsNs: Float64Array[];
  readonly #idle: Stream[] = [];
  readonly #over = Promise.withResolvers<void>();
  readonly #pacer = new Pacer(() => this.#sendDue());
  #startNs = 0;
  #sent = 0;
  #done = 0;

  constructor(task: RawTask) {
    this.#task = task;
    this.#requests = task.dueNs.map((_, index) => requestOf(index, task.osl));
    this.#stampsNs = task.dueNs.map(() => new Float64Array(task.osl));
  }

  async run(): Promise<readonly Float64Array[]> {
    this.#startNs = monotonicNs();
    this.#sendDue();
    await this.#over.promise;
    for (const { socket } of this.#idle) socket?.terminate();
    return this.#stampsNs;
  }

  #sendDue(): void {
    const { dueNs } = this.#task;
    for (; this.#sent < dueNs.length; this.#sent += 1) {
      const atNs = this.#startNs + dueNs[this.#sent]!;
      if (atNs > monotonicNs()) return this.#pacer.arm(atNs);
      this.#send(this.#sent);
    }
  }

  #send(request: number): void {
    const stream = this.#idle.pop() ?? { socket: undefined, request, events: 0, isLineEnd: false };
    stream.request = request;
    stream.events = 0;
    if (stream.socket !== undefined) stream.socket.write(this.#requests[request]!);
    else {
      void Bun.connect<Stream>({
        hostname: "127.0.0.1",
        port: this.#task.port,
        data: stream,
        socket: { binaryType: "uint8array", open: this.#open, data: this.#data },
      });
    }
  }

  readonly #open = (socket: Socket<Stream>): void => {
    socket.setNoDelay(true);
    socket.data.socket = socket;
    socket.write(this.#requests[socket.data.request]!);
  };

  readonly #data = ({ data: stream }: Socket<Stream>, bytes: Uint8Array): void => {
    const atNs = monotonicNs();
    const stampsNs = this.#stampsNs[stream.request]!;
    for (let i = 0; i < bytes.length; i += 1) {
      const isLineFeed = bytes[i] === LF;
      // Writes beyond the last token fall outside the array and are ignored.
      if (isLineFeed && stream.isLineEnd) stampsNs[stream.events++] = atNs;
      stream.isLineEnd = isLineFeed;
    }
    if (stream.events < stampsNs.length + CLOSING_EVENTS) return;
    this.#idle.push(stream);
    this.#done += 1;
    if (this.#done === this.#task.dueNs.length) this.#over.resolve();
  };
}

function requestOf(index: number, osl: number): Uint8Array {
  const body = JSON.stringify({ model: "null", prompt: [1, 2, 3], max_tokens: osl, stream: true });
  return Buffer.from(
    `POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: bench/${index}\r\n` +
      "Content-Type: application/json\r\n" +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}
