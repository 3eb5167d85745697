/**
 * A PUB socket: every message goes to every subscriber of a prefix of its first frame. It never
 * waits: a subscriber that is too slow loses messages, as with any PUB socket.
 */
import { listen, type ZmtpListener } from "./listen.ts";
import type { ZmtpPeer } from "./peer.ts";
import { encodeMessage } from "./zmtp.ts";

/** Limit of topics of one subscriber; libzmq has none, but nobody needs more for KV events. */
const MAX_TOPICS = 1000;
/** Longer ones match no topic that is published, and would be kept. */
const MAX_TOPIC_BYTES = 1024;

export interface Publisher extends AsyncDisposable {
  readonly port: number;
  /** Connected subscribers with at least one topic. */
  readonly subscribers: number;
  /** Messages dropped for subscribers that are connected now and too slow. */
  readonly dropped: number;
  /** Sends a message, whose first frame is the topic. */
  send(frames: readonly Uint8Array[]): void;
}

/** Listens on `host`; port 0 takes a free one. Throws a `DynbenchError` when it cannot listen. */
export function startPublisher(address: {
  readonly host: string;
  readonly port: number;
}): Publisher {
  const topicsOf = new Map<ZmtpPeer, string[]>();
  const listener = listen(address, {
    type: { own: "PUB", accepts: ["SUB", "XSUB"] },
    handlers: {
      ready: (peer) => topicsOf.set(peer, []),
      closed: (peer) => topicsOf.delete(peer),
      // ZMTP 3.0: a message of one frame, 1 or 0 and the topic.
      message: ([frame], peer) => {
        if (frame === undefined || frame.length === 0) return;
        if (frame[0] === 1) addTopic(topicsOf.get(peer)!, frame.subarray(1));
        else if (frame[0] === 0) removeTopic(topicsOf.get(peer)!, frame.subarray(1));
      },
      // ZMTP 3.1: commands.
      command: (name, body, peer) => {
        if (name === "SUBSCRIBE") addTopic(topicsOf.get(peer)!, body);
        else if (name === "CANCEL") removeTopic(topicsOf.get(peer)!, body);
      },
    },
  });
  return publisherOver(listener, topicsOf);
}

function publisherOver(listener: ZmtpListener, topicsOf: Map<ZmtpPeer, string[]>): Publisher {
  return {
    port: listener.port,
    get subscribers() {
      let count = 0;
      for (const topics of topicsOf.values()) if (topics.length > 0) count += 1;
      return count;
    },
    get dropped() {
      let count = 0;
      for (const peer of topicsOf.keys()) count += peer.dropped;
      return count;
    },
    send: (frames) => {
      if (topicsOf.size === 0) return;
      const topic = latin1(frames[0]!);
      const message = encodeMessage(frames);
      for (const [peer, topics] of topicsOf) {
        if (topics.some((wanted) => topic.startsWith(wanted))) peer.sendEncoded(message);
      }
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

function addTopic(topics: string[], topic: Uint8Array): void {
  if (topics.length >= MAX_TOPICS || topic.length > MAX_TOPIC_BYTES) return;
  topics.push(latin1(topic));
}

/** Subscriptions are counted: a topic ends with as many cancellations as subscriptions. */
function removeTopic(topics: string[], topic: Uint8Array): void {
  const index = topics.indexOf(latin1(topic));
  if (index >= 0) topics.splice(index, 1);
}

/** Bytes as a string of the same bytes, so that prefixes compare as bytes. */
function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
