/**
 * Opens Dynamo's plane for one engine start and reads back which workers registered on it. Each start has a
 * namespace and a folder of its own, so that it never meets what another run has left.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DynbenchError, given } from "dynbench";
import { epochMs, type Discovery, type PlaneSettings, type StartContext } from "dynbench/engine";
import { fileStore, type DiscoveryStore } from "./discovery-store.ts";
import { openNats } from "./nats-link.ts";
import { registrationsOf, type Registration } from "./registration.ts";
import { startEtcd, startNatsServer } from "./services.ts";

export interface DynamoPlane extends AsyncDisposable {
  readonly discovery: Discovery;
  registrations(): Promise<Registration[]>;
  /** Messages with KV events that workers published, counted independently of the router; undefined without NATS. */
  readonly kvEventMessages: (() => number) | undefined;
}

/** Everything needed is up, and reached, when it resolves. */
export async function openPlane(python: string, context: StartContext): Promise<DynamoPlane> {
  const settings = context.planeSettings;
  if (settings === undefined) throw new Error("an engine on plane dynamo without its settings");
  const { signal, host } = context;
  const namespace = `dynbench-${process.pid}-${epochMs().toString(36)}`;
  await using stack = new AsyncDisposableStack();
  const folder = await makeFolder(join(context.runDir, "discovery", namespace));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { etcdUrl, natsUrl } = await openServices(settings, { folder, context, stack });
  const store = stack.use(
    etcdUrl === undefined ? fileStore(folder) : await openEtcd(etcdUrl, { namespace, signal }),
  );
  const nats =
    natsUrl === undefined
      ? undefined
      : stack.use(await openNats(natsUrl, { namespace, purge: settings.natsUrl !== undefined }));
  const env = planeEnvironment({ namespace, settings, folder, host, etcdUrl, natsUrl });
  const owned = stack.move();
  return {
    discovery: { namespace, env, python, folder },
    registrations: async () => registrationsOf(await store.values(), namespace),
    kvEventMessages: settings.eventPlane === "nats" ? nats?.kvEventMessages : undefined,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new DynbenchError("start", `Cannot write the discovery folder "${folder}": ${cause}`, {
      hint: "Choose a writable folder with --out",
      cause,
    });
  }
  return folder;
}

/** The user's services, or new ones that end with the plane. */
async function openServices(
  settings: PlaneSettings,
  at: { folder: string; context: StartContext; stack: AsyncDisposableStack },
): Promise<{ etcdUrl: string | undefined; natsUrl: string | undefined }> {
  const { folder, context, stack } = at;
  const start = async (starts: typeof startEtcd): Promise<string> =>
    stack.use(await starts(folder, context)).url;
  const usesNats = settings.requestPlane === "nats" || settings.eventPlane === "nats";
  return {
    etcdUrl:
      settings.discovery === "etcd" ? (settings.etcdUrl ?? (await start(startEtcd))) : undefined,
    natsUrl: usesNats ? (settings.natsUrl ?? (await start(startNatsServer))) : undefined,
  };
}

async function openEtcd(
  url: string,
  at: { namespace: string; signal: AbortSignal },
): Promise<DiscoveryStore> {
  const { etcdStore } = await import("./etcd-store.ts");
  return etcdStore(url, at);
}

interface PlanePlaces {
  readonly namespace: string;
  readonly settings: PlaneSettings;
  /** Of the file discovery. */
  readonly folder: string;
  /** The address everything binds or advertises. */
  readonly host: string;
  readonly etcdUrl: string | undefined;
  readonly natsUrl: string | undefined;
}

/**
 * Pure. The environment that puts a process of Dynamo (1.6.1) on the plane. Without the addresses it
 * would advertise the machine's first outside address: `--http-host` moves the HTTP port alone.
 */
export function planeEnvironment(places: PlanePlaces): Record<string, string> {
  const { settings, host } = places;
  return {
    DYN_NAMESPACE: places.namespace,
    DYN_DISCOVERY_BACKEND: settings.discovery,
    DYN_REQUEST_PLANE: settings.requestPlane,
    DYN_EVENT_PLANE: settings.eventPlane,
    DYN_TCP_RPC_HOST: host,
    DYN_TCP_RESPONSE_STREAM_HOST: host,
    DYN_EVENT_PLANE_HOST: host,
    DYN_LOG: "info",
    HF_HUB_OFFLINE: "1",
    ...(settings.discovery === "file" ? { DYN_FILE_KV: places.folder } : {}),
    ...given({ ETCD_ENDPOINTS: places.etcdUrl, NATS_SERVER: places.natsUrl }),
  };
}
