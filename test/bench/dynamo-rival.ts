/**
 * Dynamo's frontend in kv mode, for benches. It serves only workers of its own plane, so eight of
 * Dynamo's mockers are behind it, sped up until their time is below what is measured.
 */
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../core/process/free-ports.ts";
import * as wordTokenizer from "../../core/prompt/word-tokenizer.ts";
import { planeEnvironment } from "../../plugins/shared/dynamo/plane.ts";
import { installed } from "../real/programs.ts";
import { answers, cpuMsOf, type Rival } from "./rival-routers.ts";

const HOST = "127.0.0.1";
const READY_LIMIT_MS = 60_000;
const POLL_MS = 200;
/** A prefill of 14,000 tokens, 312 ms in its model, takes 3 µs. */
const SPEEDUP = 100_000;
const MODEL = "m";

/** Undefined where ai-dynamo is not installed. */
export async function startDynamoFrontend(): Promise<Rival | undefined> {
  const python = installed("dynamo/bin/python");
  if (python === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "dynbench-dynamo-"));
  const [http] = freePorts(1) as [number];
  const env = {
    ...process.env,
    ...planeEnvironment({
      namespace: "bench",
      settings: { discovery: "file", requestPlane: "tcp", eventPlane: "zmq" },
      folder: join(folder, "discovery"),
      host: HOST,
      etcdUrl: undefined,
      natsUrl: undefined,
    }),
    DYN_LOG: "error",
  };
  mkdirSync(join(folder, "discovery"));
  await wordTokenizer.writeModelFolder(join(folder, "model"));
  const start = (module: string, ...argv: string[]) =>
    Bun.spawn([python, "-m", module, ...argv], {
      ...{ env, cwd: folder, stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    });
  const mocker = start(
    "dynamo.mocker",
    ...["--model-path", join(folder, "model"), "--model-name", MODEL, "--num-workers", "8"],
    ...["--block-size", "64", "--num-gpu-blocks-override", "16384"],
    ...["--speedup-ratio", String(SPEEDUP)],
  );
  const frontend = start(
    "dynamo.frontend",
    ...["--http-host", HOST, "--http-port", String(http), "--router-mode", "kv"],
  );
  const url = `http://${HOST}:${http}`;
  const rival: Rival = {
    url,
    cpuMs: () => cpuMsOf(frontend.pid),
    [Symbol.asyncDispose]: async () => {
      for (const program of [frontend, mocker]) program.kill("SIGKILL");
      await Promise.all([frontend.exited, mocker.exited]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const limit = performance.now() + READY_LIMIT_MS;
  while (!(await answers(url))) {
    if (performance.now() > limit || frontend.exitCode !== null || mocker.exitCode !== null) {
      await rival[Symbol.asyncDispose]();
      throw new Error("Dynamo's frontend did not come up");
    }
    await Bun.sleep(POLL_MS);
  }
  return rival;
}
