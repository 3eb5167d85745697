/**
 * The replay of KV events in vLLM's protocol: a ROUTER socket returns everything from a sequence
 * number on, and a DEALER socket asks for it.
 *
 * On the wire the request is `"" | seq`. A reply is `"" | topic | seq | payload` since vLLM 0.32 and
 * `"" | seq | payload` before; a reply with seq −1 ends the replay. Read from the back, both are alike.
 */
import { DynbenchError } from "../../base/errors.ts";
import { connect } from "./connect.ts";
import { listen } from "./listen.ts";
import type { ZmtpPeer } from "./peer.ts";
import { decodeSequence, encodeSequence, END_OF_REPLAY } from "./sequence.ts";

/** vLLM looks for requests every 100 ms; after silence of this length no answer will come. */
const MAX_SILENCE_MS = 5000;

const EMPTY = new Uint8Array(0);

export interface ReplayedMessage {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export interface ReplayServerOptions {
  readonly host: string;
  readonly port: number;
  readonly topic: string;
  /** Replies with the topic, as vLLM 0.32 sends, or without, as earlier releases. */
  readonly form: "topic" | "bare";
  /** The messages still kept from that number on, in order. */
  from(sequence: number): Iterable<ReplayedMessage>;
}

/** Listens until disposed; port 0 takes a free one. */
export function startReplayServer(
  options: ReplayServerOptions,
): AsyncDisposable & { readonly port: number } {
  const topic = new TextEncoder().encode(options.topic);
  const answer = (peer: ZmtpPeer, first: Uint8Array, sequence: number, payload: Uint8Array): void =>
    peer.send(
      options.form === "topic"
        ? [EMPTY, first, encodeSequence(sequence), payload]
        : [EMPTY, encodeSequence(sequence), payload],
    );
  return listen(options, {
    type: { own: "ROUTER", accepts: ["DEALER", "REQ", "ROUTER"] },
    handlers: {
      message: (frames, peer) => {
        const from = decodeSequence(frames.at(-1));
        // As in vLLM, a malformed request gets no answer.
        if (from === undefined || from < 0 || frames.length !== 2) return;
        for (const { sequence, payload } of options.from(from)) {
          answer(peer, topic, sequence, payload);
        }
        answer(peer, EMPTY, END_OF_REPLAY, EMPTY);
      },
    },
  });
}

export interface ReplayRequest {
  readonly host: string;
  readonly port: number;
  readonly fromSequence: number;
  readonly signal?: AbortSignal;
  onMessage(message: ReplayedMessage): void;
}

/** Resolves when the replay is complete; rejects with a `DynbenchError` when it ends before. */
export async function requestReplay(request: ReplayRequest): Promise<void> {
  const { host, port } = request;
  const fault = (problem: string): DynbenchError =>
    new DynbenchError("load", `Cannot replay KV events from ${host}:${port}: ${problem}`, {
      hint: "Check the engine's replay endpoint",
    });
  const done = Promise.withResolvers<void>();
  // It may be rejected while connecting, before anything awaits it.
  done.promise.catch(() => {});
  const silence = setTimeout(
    () => done.reject(fault(`no answer for ${MAX_SILENCE_MS / 1000} s`)),
    MAX_SILENCE_MS,
  );
  const aborted = (): void => done.reject(fault("aborted"));
  request.signal?.addEventListener("abort", aborted);
  let peer: ZmtpPeer | undefined;
  try {
    if (request.signal?.aborted === true) throw fault("aborted");
    peer = await connect(request, {
      type: { own: "DEALER", accepts: ["ROUTER", "REP"] },
      handlers: {
        ready: (ready) => ready.send([EMPTY, encodeSequence(request.fromSequence)]),
        message: (frames) => {
          silence.refresh();
          const sequence = decodeSequence(frames.at(-2));
          if (sequence === undefined) done.reject(fault("a reply without a sequence number"));
          else if (sequence === END_OF_REPLAY) done.resolve();
          else request.onMessage({ sequence, payload: frames.at(-1)! });
        },
        closed: (_, problem) => done.reject(problem ?? fault("the connection was closed")),
      },
    });
    await done.promise;
  } finally {
    clearTimeout(silence);
    request.signal?.removeEventListener("abort", aborted);
    peer?.close();
  }
}
