/** Starts the services that a plane needs and nobody named: etcd and nats-server from PATH, on loopback, for the run. */
import { join } from "node:path";
import {
  DynbenchError,
  fetchControl,
  messageOf,
  type ProcessHandle,
  type StartContext,
} from "dynbench";
import { freePort } from "./free-port.ts";

/** Both are ready within half a second; a machine under load takes ten times that. */
const READY_LIMIT_MS = 30_000;
const POLL_MS = 50;

export interface Service extends AsyncDisposable {
  readonly url: string;
}

/** etcd 3.4 and later; its data goes below `folder`. */
export async function startEtcd(folder: string, context: StartContext): Promise<Service> {
  const program = onPath("etcd", "--etcd-url");
  const { host } = context;
  const url = `http://${host}:${await freePort(host)}`;
  const peer = `http://${host}:${await freePort(host)}`;
  const flags: Record<string, string> = {
    "--data-dir": join(folder, "etcd"),
    "--listen-client-urls": url,
    "--advertise-client-urls": url,
    "--listen-peer-urls": peer,
    "--initial-advertise-peer-urls": peer,
    "--initial-cluster": `default=${peer}`,
  };
  const command = [program, ...Object.entries(flags).flat()];
  return service(await context.processes.startForeign("etcd", command), url, async () => {
    await fetchControl(`${url}/health`, { signal: context.signal });
  });
}

/** nats-server 2.9 and later, without JetStream, which Dynamo needs no more since 1.4. */
export async function startNatsServer(folder: string, context: StartContext): Promise<Service> {
  const program = onPath("nats-server", "--nats-url");
  const { host } = context;
  const port = await freePort(host);
  const command = [program, "-a", host, "-p", String(port), "-js", "-sd", join(folder, "nats")];
  const handle = await context.processes.startForeign("nats-server", command);
  return service(handle, `nats://${host}:${port}`, () => reach(host, port));
}

function onPath(program: string, flag: string): string {
  const path = Bun.which(program);
  if (path !== null) return path;
  throw new DynbenchError("start", `Cannot start ${program}: it is not on PATH`, {
    hint: `Install it, or name one that is running: ${flag}`,
  });
}

async function service(
  handle: ProcessHandle,
  url: string,
  check: () => Promise<void>,
): Promise<Service> {
  let ended = false;
  void handle.exited.then(() => (ended = true));
  let why = "";
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS && !ended; waitedMs += POLL_MS) {
    try {
      await check();
      return { url, [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose]() };
    } catch (error) {
      why = messageOf(error);
      await Bun.sleep(POLL_MS);
    }
  }
  const words = ended ? "it ended" : `not ready after ${READY_LIMIT_MS / 1000} s: ${why}`;
  const lines = handle.lastLines(5).map((line) => `  ${line}`);
  await handle[Symbol.asyncDispose]();
  throw new DynbenchError("start", `Cannot start ${handle.name}: ${words}`, {
    hint: ["Its last lines:", ...lines].join("\n"),
  });
}

/** A TCP connection can be made. */
async function reach(hostname: string, port: number): Promise<void> {
  const socket = await Bun.connect({ hostname, port, socket: { data: () => {} } });
  socket.end();
}
