/**
 * A small HTTP/1.1 server over raw sockets. `Bun.serve` keeps the end of a response's head back until
 * the first byte of its body (Bun 1.4.5), so a client would see headers only with the first token;
 * here head and body leave as they come, and what comes in one turn of the loop leaves in one write.
 */
import type { Socket } from "bun";
import { RequestParser, type ParsedRequest } from "./request-parser.ts";

export type { ParsedRequest } from "./request-parser.ts";

/** Where the answer to one request goes. Calls after the client has gone have no effect. */
export interface Answer {
  /** First, once. With `length` the body has exactly that many bytes; else it ends with `end`. */
  head(
    status: number,
    headers: Iterable<readonly [name: string, value: string]>,
    length?: string | number,
  ): void;
  /** Copied before it returns. */
  data(bytes: Uint8Array): void;
  end(): void;
  /** Breaks the connection, because the body cannot be finished. */
  destroy(): void;
  /** Called at most once, when the client leaves before the end. */
  onAbort(listener: () => void): void;
}

export interface HttpServerOptions {
  readonly hostname: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly limits?: ReadingLimits;
  onRequest(request: ParsedRequest, answer: Answer): void;
  /** A request that cannot be read; the connection is closed after the answer. */
  onMalformed(status: number, message: string, answer: Answer): void;
}

/** How long a request may take to come; looked at once in `checkMs`. */
export interface ReadingLimits {
  readonly checkMs: number;
  /** Checks that see the same request begun and not whole, and as many more as its bytes are worth. */
  readonly checks: number;
  readonly bytesPerCheck: number;
  /** Checks that see a connection without a request. */
  readonly idleChecks: number;
}

/**
 * Half a minute, and what a body takes at 100 KB a second. A connection without a request is kept for
 * half an hour, because a load opens its connections ahead of their use.
 */
const LIMITS: ReadingLimits = {
  checkMs: 1000,
  checks: 30,
  bytesPerCheck: 100_000,
  idleChecks: 1800,
};

export interface HttpServer extends Disposable {
  readonly port: number;
}

/** Bytes waiting for a client that does not read; the longest answers are a few megabytes. */
const MAX_WAITING_BYTES = 67_108_864;

/** Throws when it cannot listen. */
export function startHttpServer(options: HttpServerOptions): HttpServer {
  const open = new Set<ServerConnection>();
  const { limits = LIMITS } = options;
  const checking = setInterval(() => {
    for (const connection of [...open]) connection.check(limits);
  }, limits.checkMs);
  checking.unref();
  const listener = Bun.listen<ServerConnection>({
    hostname: options.hostname,
    port: options.port,
    // A client that has sent all it wants to send may close its side and wait for the answer.
    allowHalfOpen: true,
    socket: {
      binaryType: "uint8array",
      open(socket) {
        socket.setNoDelay(true);
        socket.data = new ServerConnection(socket, options);
        open.add(socket.data);
      },
      data: (socket, bytes) => socket.data.received(bytes),
      drain: (socket) => socket.data.flush(),
      end: (socket) => socket.data.sentAll(),
      close(socket) {
        open.delete(socket.data);
        socket.data.closed();
      },
      error(socket, error) {
        // Bun also reports exceptions of our own handlers here: those are bugs and must not be swallowed.
        if (!("code" in error)) queueMicrotask(() => Promise.reject(error));
        socket.terminate();
      },
    },
  });
  return {
    port: listener.port,
    [Symbol.dispose]: () => {
      clearInterval(checking);
      listener.stop();
      for (const connection of [...open]) connection.destroy();
    },
  };
}

/** One client's socket; answers one request at a time. */
class ServerConnection {
  readonly #socket: Socket<ServerConnection>;
  readonly #parser: RequestParser;
  #answer: ServerAnswer | undefined;
  /** Bytes to write, and whether a write is planned for the end of this turn. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isPlanned = false;
  #closeWhenWritten = false;
  /** The client sends nothing more. */
  #hasSentAll = false;
  #isClosed = false;
  /** Requests when `check` last looked, and how often it saw the same since. */
  #seen = 0;
  #sameChecks = 0;

  constructor(socket: Socket<ServerConnection>, options: HttpServerOptions) {
    this.#socket = socket;
    this.#parser = new RequestParser({
      request: (request) => options.onRequest(request, this.#newAnswer(request)),
      expectsContinue: () => this.write(CONTINUE),
      malformed: (status, message) => {
        // In the middle of an answer there is no place for another.
        if (this.#answer !== undefined) this.destroy();
        else options.onMalformed(status, message, this.#newAnswer(LAST_REQUEST));
      },
    });
  }

  received(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#parser.push(bytes);
  }

  /** The client closed its side: it may wait for an answer, or be gone. */
  sentAll(): void {
    this.#hasSentAll = true;
    if (this.#answer === undefined) this.#closeAfterWrites();
    else this.#answer.probe();
  }

  /** Ends waits that are too long. */
  check({ checks, bytesPerCheck, idleChecks }: ReadingLimits): void {
    const { delivered, isReading, filled } = this.#parser;
    const isSame = this.#answer === undefined && delivered === this.#seen;
    this.#seen = delivered;
    this.#sameChecks = isSame ? this.#sameChecks + 1 : 0;
    // One that we ended and the client does not end.
    if (this.#closeWhenWritten) {
      if (this.#sameChecks > checks) this.destroy();
    } else if (!isReading) {
      if (this.#sameChecks > idleChecks) this.#closeAfterWrites();
    } else if (this.#sameChecks > checks + filled / bytesPerCheck) {
      this.#parser.giveUp("it did not come whole in time");
    }
  }

  /** Takes the bytes as they are: they must not change afterwards. */
  write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) return this.destroy();
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#isClosed) return;
    if (this.#waiting.length > 0) {
      const whole = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
      // Less than all means that the kernel's buffer is full; `drain` comes when there is room.
      const written = Math.max(0, this.#socket.write(whole));
      this.#waiting = written === whole.length ? [] : [whole.subarray(written)];
      this.#waitingBytes = whole.length - written;
    }
    if (this.#waitingBytes === 0 && this.#closeWhenWritten) this.#socket.end();
  }

  /** The answer is complete. */
  ended(keepAlive: boolean): void {
    this.#answer = undefined;
    if (keepAlive) {
      this.#parser.answered();
      if (this.#hasSentAll && this.#answer === undefined) this.#closeAfterWrites();
    } else this.#closeAfterWrites();
  }

  #closeAfterWrites(): void {
    this.#closeWhenWritten = true;
    queueMicrotask(() => this.flush());
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#socket.terminate();
    this.closed();
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.aborted();
  }

  #newAnswer(request: { keepAlive: boolean; knowsChunks: boolean }): ServerAnswer {
    this.#answer = new ServerAnswer(this, request);
    return this.#answer;
  }
}

class ServerAnswer implements Answer {
  readonly #connection: ServerConnection;
  readonly #request: { keepAlive: boolean; knowsChunks: boolean };
  #hasHead = false;
  #isChunked = false;
  #keepAlive = false;
  #abort: (() => void) | undefined;
  #over = false;

  constructor(connection: ServerConnection, request: { keepAlive: boolean; knowsChunks: boolean }) {
    this.#connection = connection;
    this.#request = request;
  }

  head(
    status: number,
    headers: Iterable<readonly [string, string]>,
    length?: string | number,
  ): void {
    this.#hasHead = true;
    const { keepAlive, knowsChunks } = this.#request;
    const hasBody = status !== 204 && status !== 304;
    this.#isChunked = hasBody && length === undefined && knowsChunks;
    // A body without length and chunks ends with its connection.
    this.#keepAlive = keepAlive && (!hasBody || length !== undefined || knowsChunks);
    let head = `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n`;
    for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
    if (this.#isChunked) head += "transfer-encoding: chunked\r\n";
    else if (hasBody && length !== undefined) head += `content-length: ${length}\r\n`;
    head += this.#keepAlive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
    this.#write(Buffer.from(head, "latin1"));
  }

  data(bytes: Uint8Array): void {
    if (bytes.length === 0) return; // a chunk of no bytes would be the end
    if (!this.#isChunked) {
      this.#write(bytes.slice());
      return;
    }
    const size = bytes.length.toString(16);
    const chunk = Buffer.allocUnsafe(size.length + bytes.length + 4);
    chunk.write(`${size}\r\n`, "latin1");
    chunk.set(bytes, size.length + 2);
    chunk.write("\r\n", chunk.length - 2, "latin1");
    this.#write(chunk);
  }

  end(): void {
    if (this.#over) return;
    if (this.#isChunked) this.#connection.write(LAST_CHUNK);
    this.#over = true;
    this.#connection.ended(this.#keepAlive);
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.destroy();
  }

  onAbort(listener: () => void): void {
    this.#abort = listener;
  }

  /**
   * Writes what changes no answer, because only a write shows whether the client has closed its side
   * alone or is gone, which the kernel then reports: an interim response before the head (RFC 9110
   * §15.2), and in chunks the first of the leading zeros that a size may have (RFC 9112 §7.1).
   */
  probe(): void {
    if (this.#isChunked) this.#write(LEADING_ZERO);
    else if (!this.#hasHead && this.#request.knowsChunks) this.#write(CONTINUE);
  }

  aborted(): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort?.();
  }

  #write(bytes: Uint8Array): void {
    if (!this.#over) this.#connection.write(bytes);
  }
}

const LAST_REQUEST = { keepAlive: false, knowsChunks: true };
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
const LEADING_ZERO = Buffer.from("0");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
