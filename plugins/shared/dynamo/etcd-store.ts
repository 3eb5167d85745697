/** Dynamo's discovery in etcd, read through etcd3, which is loaded only where etcd is used. */
import protobuf from "protobufjs";
import auth from "etcd3/proto/auth.proto" with { type: "text" };
import kv from "etcd3/proto/kv.proto" with { type: "text" };
import rpc from "etcd3/proto/rpc.proto" with { type: "text" };
import { DynbenchError, messageOf, v } from "dynbench";
import { fetchControlJson } from "dynbench/engine";
import type { DiscoveryStore } from "./discovery-store.ts";

/** An etcd on this machine or nearby answers within milliseconds. */
const CALL_LIMIT_MS = 5000;

/** Login of an etcd with passwords, under the names that Dynamo reads too. */
const USER_VARIABLE = "ETCD_AUTH_USERNAME";
const PASSWORD_VARIABLE = "ETCD_AUTH_PASSWORD";

/** Throws a `DynbenchError` when the etcd at `url` cannot be used. */
export async function etcdStore(
  url: string,
  { namespace, signal }: { namespace: string; signal: AbortSignal },
): Promise<DiscoveryStore> {
  await checkHealth(url, signal);
  serveEtcdProtos();
  const { Etcd3 } = await import("etcd3");
  const username = process.env[USER_VARIABLE];
  const client = new Etcd3({
    hosts: url,
    dialTimeout: CALL_LIMIT_MS,
    grpcOptions: { "grpc.enable_http_proxy": 0 }, // the address is reached directly, without a proxy
    defaultCallOptions: ({ isStream }) =>
      isStream ? {} : { deadline: Date.now() + CALL_LIMIT_MS },
    ...(username === undefined
      ? {}
      : { auth: { username, password: process.env[PASSWORD_VARIABLE] ?? "" } }),
  });
  const read = async (bucket: string): Promise<string[]> =>
    Object.values(await client.getAll().prefix(`v1/${bucket}/${namespace}/`).strings());
  const store: DiscoveryStore = {
    values: async () => {
      try {
        return (await Promise.all([read("instances"), read("mdc")])).flat();
      } catch (cause) {
        throw etcdFault(url, cause);
      }
    },
    [Symbol.asyncDispose]: async () => client.close(),
  };
  try {
    await store.values();
  } catch (error) {
    client.close();
    throw error;
  }
  return store;
}

async function checkHealth(url: string, signal: AbortSignal): Promise<void> {
  try {
    const health = await fetchControlJson(`${url}/health`, { signal });
    if (v.is(v.looseObject({ health: v.literal("true") }), health)) return;
    throw new Error(`it answers ${JSON.stringify(health)}`);
  } catch (cause) {
    signal.throwIfAborted();
    throw new DynbenchError("start", `Cannot use etcd at ${url}: ${messageOf(cause)}`, {
      hint: "Check --etcd-url, or leave it out: dynbench then starts an etcd of its own",
      cause,
    });
  }
}

function etcdFault(url: string, cause: unknown): DynbenchError {
  const message = messageOf(cause);
  const isLogin = /user name|authenticat|permission denied|invalid auth|password/i.test(message);
  return new DynbenchError("start", `Cannot read etcd at ${url}: ${message}`, {
    hint: isLogin
      ? `Set ${USER_VARIABLE} and ${PASSWORD_VARIABLE}; Dynamo reads the same variables`
      : "Check that it is up and that nothing but etcd answers there",
    cause,
  });
}

let isServing = false;

/**
 * Lets etcd3 work inside the compiled binary; called before etcd3 is imported. At its import it reads its
 * .proto files from the folder it was built in, which no other machine has. Here they are part of the
 * program, and protobufjs, which reads them for it, gets their text; it reads other files as before.
 */
function serveEtcdProtos(): void {
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
