/** Opens a ZMTP connection: for the subscriber and for requests of a replay. */
import { DynbenchError, messageOf } from "../../base/errors.ts";
import { type PeerHandlers, type PeerType, ZmtpPeer } from "./peer.ts";

/** Connects; rejects with a `DynbenchError` when nothing listens there. */
export async function connect(
  address: { readonly host: string; readonly port: number },
  endpoint: { readonly type: PeerType; readonly handlers: PeerHandlers },
): Promise<ZmtpPeer> {
  const { host, port } = address;
  try {
    const socket = await Bun.connect<ZmtpPeer>({
      hostname: host,
      port,
      socket: {
        open: (opened) => {
          opened.data = new ZmtpPeer(opened, endpoint.type, endpoint.handlers);
        },
        data: (open, bytes) => open.data.received(bytes),
        drain: (open) => open.data.drained(),
        close: (open) => open.data?.ended(),
      },
    });
    return socket.data;
  } catch (error) {
    throw new DynbenchError("load", `Cannot connect to ${host}:${port}: ${messageOf(error)}`, {
      hint: "Check that the engine publishes KV events there",
      cause: error,
    });
  }
}
