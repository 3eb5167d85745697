/**
 * Raw bytes to the binary's own servers, the gateway and the mocker, and damaged answers to its load
 * client. Each connection sends its bytes and closes its side; the server must answer what is a request,
 * refuse what is none, and close. Faults: a process that ends, a connection that stays, a status of 500,
 * an answer that is no HTTP, a stack, a number that is none, memory that grows.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomStream, type RandomStream } from "../../core/base/random.ts";
import { inPieces } from "./byte-damage.ts";
import type { Fuzz, FuzzFault } from "./fuzz.ts";
import { answerBench } from "./http-answers.ts";
import { answerFault } from "./http-answer-check.ts";
import { drawRequests } from "./http-requests.ts";

const BINARY = process.env["DYNBENCH_BINARY"] ?? join(import.meta.dir, "../../dynbench");
/** Of case `i`, by `i % 3`. */
const TARGETS = ["client", "gateway", "mocker"] as const;
const AT_ONCE = 8;
/** Answers take milliseconds; more than this is a hang. */
const HANG_MS = 10_000;
const MAX_RSS_MB = 1200;

export const fuzz: Fuzz = {
  name: "http",
  cases: 1000,
  run: async ({ seed, from, to }) => {
    const ends: Record<string, number> = {};
    const faults: FuzzFault[] = [];
    let current = from;
    const uncaught = (error: unknown): void => {
      const stack = error instanceof Error ? error.stack : String(error);
      faults.push({ case: current, what: `uncaught in the client: ${stack}`, input: "" });
    };
    process.on("uncaughtException", uncaught);
    process.on("unhandledRejection", uncaught);
    await using servers = await startServers();
    using client = await answerBench();
    const one = async (i: number): Promise<void> => {
      const random = randomStream(seed, "http", i);
      const { end, fault, input } =
        i % 3 === 0
          ? await client.try(random)
          : await servers.try(TARGETS[i % 3] as "gateway" | "mocker", random);
      ends[end] = (ends[end] ?? 0) + 1;
      if (fault !== undefined) faults.push({ case: i, what: `${TARGETS[i % 3]}: ${fault}`, input });
    };
    for (; current < to; current += AT_ONCE) {
      const cases = Array.from({ length: Math.min(AT_ONCE, to - current) }, (_, k) => current + k);
      // The client has one case at a time: what is uncaught is that one's.
      await Promise.all(cases.filter((i) => i % 3 !== 0).map(one));
      for (const i of cases.filter((each) => each % 3 === 0)) await one(i);
      const state = await servers.fault();
      if (state === undefined) continue;
      faults.push({ case: current, what: `${state}, in one of ${cases.join(", ")}`, input: "" });
      break;
    }
    const left = await servers.settled();
    if (left !== undefined) faults.push({ case: to - 1, what: left, input: "" });
    process.off("uncaughtException", uncaught);
    process.off("unhandledRejection", uncaught);
    return { ends, faults };
  },
};

interface Servers extends AsyncDisposable {
  try(at: "gateway" | "mocker", random: RandomStream): Promise<Tried>;
  /** That a process has ended, hangs, or grows. */
  fault(): Promise<string | undefined>;
  /** After the last case: what is still in flight, or stands in a log. */
  settled(): Promise<string | undefined>;
}

interface Tried {
  readonly end: string;
  readonly input: string;
  readonly fault?: string;
}

async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-fuzz-"));
  const engine = ["--engine", "mocker", "--workers", "2", "--speedup", "1000", "--model-path", "m"];
  const args = [
    ...engine,
    "--max-model-len",
    "2048",
    "--kv-blocks",
    "400",
    "--out",
    join(folder, "logs"),
  ];
  const up = Bun.spawn([BINARY, "up", "--router", "kv", ...args], {
    cwd: folder,
    env: { PATH: "/usr/bin:/bin", HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { out: "", err: "" };
  void collect(up.stdout, (text) => (printed.out += text));
  void collect(up.stderr, (text) => (printed.err += text));
  while (!printed.out.includes("Ctrl-C")) {
    if (up.exitCode !== null) throw new Error(`dynbench up ended: ${printed.err}`);
    await Bun.sleep(20);
  }
  const urlAfter = (words: string): string =>
    /http:\S+/.exec(printed.out.slice(printed.out.indexOf(words)))![0];
  const urls = { gateway: urlAfter("router kv"), mocker: urlAfter("worker-1") };
  return {
    try: (at, random) => tryBytes({ at, port: Number(new URL(urls[at]).port) }, random),
    fault: async () => {
      if (up.exitCode !== null) return `dynbench up ended with ${up.exitCode}: ${printed.err}`;
      for (const url of Object.values(urls)) {
        const signal = AbortSignal.timeout(HANG_MS);
        const isWell = await fetch(`${url}/health`, { signal }).then(
          ({ ok }) => ok,
          () => false,
        );
        if (!isWell) return `${url}/health does not answer`;
      }
      const rssMb = Math.max(...childrenOf(up.pid).map(rssMbOf));
      return rssMb > MAX_RSS_MB ? `a process has ${rssMb.toFixed(0)} MB` : undefined;
    },
    settled: async () => {
      const state = async (): Promise<{ inFlight: number }> =>
        (await (await fetch(`${urls.gateway}/dynbench/state`)).json()) as { inFlight: number };
      for (let i = 0; (await state()).inFlight > 0; i += 1) {
        if (i > 200) return `${(await state()).inFlight} requests stay in flight`;
        await Bun.sleep(50);
      }
      const logs = readdirSync(join(folder, "logs"), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".log"))
        .map((name) => readFileSync(join(folder, "logs", name), "utf8"));
      const stack = [printed.err, ...logs].find((text) => /^\s+at .+:\d+/m.test(text));
      return stack === undefined ? undefined : `a stack in a log: ${stack.slice(-600)}`;
    },
    [Symbol.asyncDispose]: async () => {
      up.kill("SIGINT");
      await up.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends the bytes in pieces, closes its side or all of it, and reads until the server closes. */
async function tryBytes(
  { at, port }: { at: "gateway" | "mocker"; port: number },
  random: RandomStream,
): Promise<Tried> {
  const bytes = drawRequests("m", random);
  const input = JSON.stringify(bytes.toString("latin1"));
  const leaves = random.int(8) === 0;
  const pieces = inPieces(bytes, random);
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const got: Buffer[] = [];
  let isClosed = false;
  const closed = new Promise<void>((resolve) => {
    const over = (): void => {
      isClosed = true;
      resolve();
    };
    socket.on("data", (part) => void got.push(Buffer.from(part)));
    for (const event of ["end", "close", "error"]) socket.on(event, over);
  });
  for (const piece of pieces) await written(socket, piece);
  if (leaves) {
    socket.destroy();
    return { end: "left", input };
  }
  socket.end();
  const limit = setTimeout(() => socket.destroy(), HANG_MS);
  await closed;
  clearTimeout(limit);
  const isHung = !isClosed;
  socket.destroy();
  const text = Buffer.concat(got).toString("latin1");
  const fault = isHung
    ? "the connection stays open"
    : answerFault(text, { sent: bytes.toString("latin1"), by: at });
  const status = /^HTTP\/1\.1 (?!1)(\d)\d\d /m.exec(text)?.[1];
  const end = status === undefined ? "closed" : `answered ${status}xx`;
  return { end, input, ...(fault === undefined ? {} : { fault }) };
}

async function written(socket: Socket, piece: Uint8Array): Promise<void> {
  socket.write(piece);
  await new Promise((resolve) => setImmediate(resolve));
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  take: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const own = readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
  return [pid, ...own.flatMap((child) => childrenOf(child))];
}

function rssMbOf(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb ?? 0) / 1024;
}
