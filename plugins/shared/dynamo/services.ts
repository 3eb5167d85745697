/** Starts the services of a plane for which the user named no address: etcd and nats-server from PATH, on loopback. */
import { join } from "node:path";
import { DynbenchError } from "dynbench";
import {
  fetchControl,
  freePorts,
  untilReady,
  urlHost,
  type ForeignProcess,
  type StartContext,
} from "dynbench/engine";

/** Both are ready within half a second; a machine under load takes ten times that. */
const READY_LIMIT_MS = 30_000;
/** Its end before it is ready is reported by the code that waits for it. */
const UNGUARDED = { isUnguarded: true };

export interface Service extends AsyncDisposable {
  readonly url: string;
}

/** etcd 3.4 and later; its data goes below `folder`. */
export async function startEtcd(folder: string, context: StartContext): Promise<Service> {
  const program = onPath("etcd", "--etcd-url");
  const { host } = context;
  const [port, peerPort] = freePorts(2);
  const url = `http://${urlHost(host)}:${port}`;
  const peer = `http://${urlHost(host)}:${peerPort}`;
  const flags: Record<string, string> = {
    "--data-dir": join(folder, "etcd"),
    "--listen-client-urls": url,
    "--advertise-client-urls": url,
    "--listen-peer-urls": peer,
    "--initial-advertise-peer-urls": peer,
    "--initial-cluster": `default=${peer}`,
  };
  const command = [program, ...Object.entries(flags).flat()];
  const isUp = () => fetchControl(`${url}/health`, { signal: context.signal });
  return service(await context.processes.startForeign("etcd", command, UNGUARDED), url, {
    isUp,
    context,
  });
}

/** nats-server 2.9 and later, without JetStream, which Dynamo needs no more since 1.4. */
export async function startNatsServer(folder: string, context: StartContext): Promise<Service> {
  const program = onPath("nats-server", "--nats-url");
  const { host } = context;
  const [port] = freePorts(1) as [number];
  const command = [program, "-a", host, "-p", String(port), "-js", "-sd", join(folder, "nats")];
  const handle = await context.processes.startForeign("nats-server", command, UNGUARDED);
  const isUp = () => reach(host, port);
  return service(handle, `nats://${urlHost(host)}:${port}`, { isUp, context });
}

function onPath(program: string, flag: string): string {
  const path = Bun.which(program);
  if (path !== null) return path;
  throw new DynbenchError("start", `Cannot start ${program}: it is not on PATH`, {
    hint: `Install it, or name one that is running: ${flag}`,
  });
}

async function service(
  program: ForeignProcess,
  url: string,
  { isUp, context }: { isUp: () => Promise<unknown>; context: StartContext },
): Promise<Service> {
  try {
    await untilReady(program, {
      isUp,
      limitMs: READY_LIMIT_MS,
      signal: context.signal,
      log: context.log,
    });
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  program.guard();
  return { url, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** A TCP connection can be made. */
async function reach(hostname: string, port: number): Promise<void> {
  const socket = await Bun.connect({ hostname, port, socket: { data: () => {} } });
  socket.end();
}
