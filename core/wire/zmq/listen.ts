/** A listening ZMTP socket with a peer for each connection: for the publisher and the replay server. */
import { DynbenchError, messageOf } from "../../base/errors.ts";
import { type PeerHandlers, type PeerType, ZmtpPeer } from "./peer.ts";

export interface ZmtpListener extends AsyncDisposable {
  /** The port it listens on, also where 0 was asked for. */
  readonly port: number;
  /** Connections whose handshake is done. */
  readonly peers: ReadonlySet<ZmtpPeer>;
}

/** Listens until disposed; throws a `DynbenchError` of code `start` when it cannot. */
export function listen(
  address: { readonly host: string; readonly port: number },
  endpoint: { readonly type: PeerType; readonly handlers: PeerHandlers },
): ZmtpListener {
  const { type, handlers } = endpoint;
  const peers = new Set<ZmtpPeer>();
  const opened = new Set<ZmtpPeer>();
  const listener = bind(address, {
    open: (socket) => {
      socket.data = new ZmtpPeer(socket, type, {
        ...handlers,
        ready: (peer) => {
          peers.add(peer);
          handlers.ready?.(peer);
        },
        closed: (peer, fault) => {
          opened.delete(peer);
          peers.delete(peer);
          handlers.closed?.(peer, fault);
        },
      });
      opened.add(socket.data);
    },
    data: (socket, bytes) => socket.data.received(bytes),
    drain: (socket) => socket.data.drained(),
    close: (socket) => socket.data.ended(),
  });
  return {
    port: listener.port,
    peers,
    [Symbol.asyncDispose]: async () => {
      for (const peer of opened) peer.close();
      listener.stop(true);
    },
  };
}

function bind(
  { host, port }: { readonly host: string; readonly port: number },
  socket: Bun.SocketHandler<ZmtpPeer>,
): Bun.TCPSocketListener<ZmtpPeer> {
  try {
    return Bun.listen<ZmtpPeer>({ hostname: host, port, socket });
  } catch (error) {
    throw new DynbenchError("start", `Cannot listen on ${host}:${port}: ${messageOf(error)}`, {
      hint:
        port === 0
          ? "Choose an address of this machine with --host"
          : "Choose another port, or stop the program that holds it",
      cause: error,
    });
  }
}
