/**
 * HTTP/1.1 client over raw sockets, for load and for the gateway.
 *
 * `fetch` queues silently at 256 requests, and its timestamps are late, so a benchmark cannot use it.
 * Here timestamps are taken in the socket's own callbacks, nothing queues, and proxies of the
 * environment are never used. A target has one client, which keeps idle connections or opens one for
 * each exchange.
 */
import type { Socket, SocketHandler } from "bun";
import { monotonicNs } from "../../system/clock.ts";
import type { RequestError } from "../../contract/record.ts";
import { viewOf, type ByteRange } from "./byte-range.ts";
import { faultWords } from "./fault-words.ts";
import { ResponseParser, type ResponseHead } from "./response-parser.ts";
import { requestBytes, type ExchangeRequest } from "./request-bytes.ts";
import type { HttpTarget } from "./target.ts";

export { parseTarget, type HttpTarget } from "./target.ts";
export type { ResponseHead } from "./response-parser.ts";
export type { ExchangeRequest } from "./request-bytes.ts";

export interface ExchangeFailure {
  kind: RequestError["kind"];
  message: string;
}

/** Callbacks of an exchange, called in this order. All times are `monotonicNs`. */
export interface ExchangeHandlers {
  /** The last byte of the request was handed to the kernel; called again after a retry. */
  sent?(atNs: number): void;
  head(head: ResponseHead, atNs: number): void;
  /** Body bytes without chunk framing; valid only during the call. */
  data?(bytes: Uint8Array, atNs: number): void;
  /** The same bytes without making a view; called instead of `data` where given. */
  range?(range: ByteRange, atNs: number): void;
  /** Clean end of the body. */
  end(atNs: number): void;
  /** The exchange failed; no further callback is called. */
  fail(error: ExchangeFailure, atNs: number): void;
}

export interface Exchange {
  /** Closes the connection; no further handler is called. */
  abort(): void;
}

export interface ClientOptions {
  connection: "keep-alive" | "per-request";
  tls?: { ca?: string; rejectUnauthorized?: boolean };
}

export class HttpClient {
  readonly #target: HttpTarget;
  readonly #options: ClientOptions;
  /** Kept connections, the most recently used last. As many as were ever in flight at once. */
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  #connections = 0;
  #retries = 0;

  constructor(target: HttpTarget, options: ClientOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Connections opened so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Requests sent again because a kept connection closed before any byte of the answer. */
  get retries(): number {
    return this.#retries;
  }

  /**
   * Opens kept connections ahead of their use, so that a burst of first requests waits for none.
   * Resolves when each is open or has failed; a request that later fails to connect reports why.
   */
  async preconnect(count: number): Promise<void> {
    if (this.#options.connection !== "keep-alive") return;
    const missing = Math.max(0, count - this.#open.size);
    const settled = Array.from({ length: missing }, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#opened(resolve);
      return promise;
    });
    await Promise.all(settled);
  }

  /** Sends a request at once; throws only when method, path or a header is not valid HTTP. */
  exchange(request: ExchangeRequest, handlers: ExchangeHandlers): Exchange {
    const keep = this.#options.connection === "keep-alive";
    const bytes = requestBytes(this.#target, { request, keepAlive: keep });
    return new ClientExchange(bytes, { handlers, connect: (fresh) => this.#connection(fresh) });
  }

  /** Closes idle connections at once and busy ones with a failure of their exchange. */
  close(): void {
    for (const connection of [...this.#open]) connection.close();
    this.#idle.length = 0;
  }

  #connection(fresh: boolean): Connection {
    const kept = fresh ? undefined : this.#idle.pop();
    if (kept !== undefined) return kept;
    if (fresh) this.#retries += 1;
    return this.#opened();
  }

  /** A new connection; `settled` is called when it is open or has failed. */
  #opened(settled?: () => void): Connection {
    this.#connections += 1;
    const keep = this.#options.connection === "keep-alive";
    const connection: Connection = new Connection(this.#target, {
      tls: this.#options.tls,
      released: (reusable) => {
        if (keep && reusable) this.#idle.push(connection);
        else connection.close();
      },
      closed: () => {
        this.#open.delete(connection);
        const at = this.#idle.indexOf(connection);
        if (at !== -1) this.#idle.splice(at, 1);
        settled?.();
      },
      unused: () => {
        this.#idle.push(connection);
        settled?.();
      },
    });
    this.#open.add(connection);
    return connection;
  }
}

/** One request and its response; lives through at most two connections. */
class ClientExchange implements Exchange {
  readonly bytes: Uint8Array;
  readonly #handlers: ExchangeHandlers;
  readonly #connect: (fresh: boolean) => Connection;
  #connection: Connection;
  #parser: ResponseParser;
  #over = false;
  /** Time at which the bytes being parsed arrived. */
  #nowNs = 0;

  constructor(
    bytes: Uint8Array,
    options: { handlers: ExchangeHandlers; connect: (fresh: boolean) => Connection },
  ) {
    this.bytes = bytes;
    this.#handlers = options.handlers;
    this.#connect = options.connect;
    this.#parser = this.#newParser();
    this.#connection = options.connect(false);
    this.#connection.carry(this);
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.close();
  }

  // The methods below are called by the connection.
  sent(atNs: number): void {
    if (!this.#over) this.#handlers.sent?.(atNs);
  }

  received(bytes: Uint8Array, atNs: number): void {
    if (this.#over) return;
    this.#nowNs = atNs;
    this.#parser.push(bytes);
  }

  lost(failure: ExchangeFailure, details: { atNs: number; wasKept: boolean }): void {
    if (this.#over) return;
    this.#nowNs = details.atNs;
    if (failure.kind === "disconnected" && this.#parser.closed()) return;
    if (failure.kind === "disconnected" && details.wasKept && this.#parser.untouched) {
      this.#parser = this.#newParser();
      this.#connection = this.#connect(true);
      this.#connection.carry(this);
      return;
    }
    this.#over = true;
    this.#handlers.fail(failure, details.atNs);
  }

  #newParser(): ResponseParser {
    return new ResponseParser({
      head: (head) => {
        if (!this.#over) this.#handlers.head(head, this.#nowNs);
      },
      data: (range) => {
        if (this.#over) return;
        const handlers = this.#handlers;
        if (handlers.range === undefined) handlers.data?.(viewOf(range), this.#nowNs);
        else handlers.range(range, this.#nowNs);
      },
      end: () => this.#end(),
      malformed: (message) => {
        if (this.#over) return;
        this.#over = true;
        this.#connection.close();
        this.#handlers.fail({ kind: "malformed", message }, this.#nowNs);
      },
    });
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.release(this.#parser);
    this.#handlers.end(this.#nowNs);
  }
}

type ConnectionSocket = Socket<Connection>;

/** One socket; carries one exchange at a time. */
class Connection {
  readonly #options: ConnectionOptions;
  readonly #where: string;
  #socket: ConnectionSocket | undefined;
  #ready = false;
  #closed = false;
  #exchange: ClientExchange | undefined;
  #written = 0;
  /** It was open before this exchange, so the server may have closed it meanwhile. */
  #isKept = false;

  constructor(target: HttpTarget, options: ConnectionOptions) {
    this.#options = options;
    this.#where = target.authority;
    const tls = target.tls && { ...options.tls, serverName: target.host };
    void Bun.connect<Connection>({
      hostname: target.host,
      port: target.port,
      data: this,
      socket: target.tls ? TLS_HANDLERS : HANDLERS,
      ...(tls === false ? {} : { tls }),
    }).catch((error: unknown) => this.failed(error));
  }

  carry(exchange: ClientExchange): void {
    this.#exchange = exchange;
    this.#written = 0;
    if (this.#ready) this.write();
  }

  /** The exchange ended cleanly. Bytes after its end no longer concern it. */
  release(parser: ResponseParser): void {
    const isWritten = this.#written === this.#exchange?.bytes.length;
    this.#exchange = undefined;
    this.#isKept = true;
    this.#options.released(parser.reusable && isWritten && !this.#closed);
  }

  close(): void {
    if (this.#closed) return;
    this.gone({ kind: "disconnected", message: "the connection was closed on our side" });
    this.#socket?.terminate();
  }

  opened(socket: ConnectionSocket): void {
    this.#socket = socket;
    if (this.#closed) {
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
  }

  usable(): void {
    this.#ready = true;
    if (this.#exchange === undefined && !this.#closed) {
      this.#isKept = true;
      this.#options.unused();
    } else this.write();
  }

  write(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#closed || !this.#ready) return;
    const { bytes } = exchange;
    if (this.#written === bytes.length) return;
    // A short or zero write means the kernel's buffer is full; `drain` comes when there is room.
    // A view, because Bun 1.4.5 takes a missing length as that of the whole array, not of the rest.
    const rest = this.#written === 0 ? bytes : bytes.subarray(this.#written);
    const count = this.#socket!.write(rest);
    if (count > 0) this.#written += count;
    if (this.#written === bytes.length) exchange.sent(monotonicNs());
  }

  received(bytes: Uint8Array, atNs: number): void {
    if (this.#exchange === undefined) this.close();
    else this.#exchange.received(bytes, atNs);
  }

  failed(error: unknown): void {
    const message = `cannot connect to ${this.#where}: ${faultWords(error)}`;
    this.gone({ kind: "connect", message });
    this.#socket?.terminate();
  }

  gone(failure: ExchangeFailure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.closed();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.lost(failure, { atNs: monotonicNs(), wasKept: this.#isKept });
  }

  get ready(): boolean {
    return this.#ready;
  }
}

interface ConnectionOptions {
  tls: ClientOptions["tls"];
  released(reusable: boolean): void;
  closed(): void;
  /** Open, without an exchange yet. */
  unused(): void;
}

const HANDLERS: SocketHandler<Connection> = {
  binaryType: "uint8array",
  open(socket) {
    socket.data.opened(socket);
    socket.data.usable();
  },
  data(socket, bytes) {
    const atNs = monotonicNs();
    socket.data.received(bytes, atNs);
  },
  drain(socket) {
    socket.data.write();
  },
  close(socket, error) {
    const { data: connection } = socket;
    const detail = error === undefined || error === null ? "" : `: ${faultWords(error)}`;
    if (!connection.ready) connection.failed(error ?? "closed before it was ready");
    else
      connection.gone({
        kind: "disconnected",
        message: `the server closed the connection${detail}`,
      });
  },
  error(socket, error) {
    // Bun also passes exceptions of dynbench's own handlers here: those are bugs and must surface.
    if (!("syscall" in error)) queueMicrotask(() => Promise.reject(error));
    socket.data.gone({
      kind: "disconnected",
      message: `the connection broke: ${faultWords(error)}`,
    });
    socket.terminate();
  },
  connectError(socket, error) {
    socket.data.failed(error);
  },
};

const TLS_HANDLERS: SocketHandler<Connection> = {
  ...HANDLERS,
  open(socket) {
    socket.data.opened(socket);
  },
  handshake(socket, success, authorizationError) {
    const connection = socket.data;
    // `success` respects `rejectUnauthorized`; `socket.authorized` does not.
    if (success) connection.usable();
    else connection.failed(authorizationError ?? "TLS handshake failed");
  },
};
