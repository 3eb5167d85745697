/**
 * Lets etcd3 work inside the compiled binary. At its import it reads its .proto files from the folder
 * it was built in, which no other machine has; here they are part of the program, and protobufjs, which
 * reads them for it, is given their text.
 */
import protobuf from "protobufjs";
import auth from "etcd3/proto/auth.proto" with { type: "text" };
import kv from "etcd3/proto/kv.proto" with { type: "text" };
import rpc from "etcd3/proto/rpc.proto" with { type: "text" };

let isServing = false;

/** Call it before etcd3 is imported. Other .proto files are read as ever. */
export function serveEtcdProtos(): void {
  if (isServing) return;
  isServing = true;
  const prototype = protobuf.Root.prototype as { loadSync: LoadSync };
  const fromFile = prototype.loadSync;
  prototype.loadSync = function (this: protobuf.Root, path, options) {
    if (!/etcd3[\\/].*proto[\\/]rpc\.proto$/.test(String(path))) {
      return fromFile.call(this, path, options);
    }
    for (const text of [kv, auth, rpc]) protobuf.parse(text, this, options);
    return this;
  };
}

type LoadSync = (
  this: protobuf.Root,
  path: string | string[],
  options?: protobuf.IParseOptions,
) => protobuf.Root;
