/**
 * Foreign routers for benches: nginx, vllm-router and smg, round robin, in front of one worker. Found
 * on PATH or where `test/real/install.sh` installs them.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "valibot";
import { freePorts } from "../../core/process/free-ports.ts";
import { nginxConfig } from "../../plugins/routers/nginx.ts";
import { smg, smgArgv } from "../../plugins/routers/smg.ts";
import { vllmRouter, vllmRouterArgv } from "../../plugins/routers/vllm-router.ts";
import { installed } from "../real/programs.ts";

const HOST = "127.0.0.1";
const READY_LIMIT_MS = 30_000;
const POLL_MS = 50;
/** Linux counts CPU time in hundredths of a second. */
const MS_PER_TICK = 10;

export interface Rival extends AsyncDisposable {
  readonly url: string;
  /** CPU time of the program and its children so far. */
  cpuMs(): number;
}

/** smg twice: with retries, its default, it reads bodies that it passes on unread without them. */
export const RIVALS = ["nginx", "vllm-router", "smg", "smg with retries"] as const;
export type RivalName = (typeof RIVALS)[number];

/** Undefined where the program is not installed. */
export async function startRival(name: RivalName, worker: string): Promise<Rival | undefined> {
  const [command] = name.split(" ");
  const path = Bun.which(command!) ?? installed(`${command}/bin/${command}`);
  if (path === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "dynbench-rival-"));
  const [http, metrics] = freePorts(2) as [number, number];
  const at = { host: HOST, ports: { http, metrics }, workers: [worker] };
  const listen = `${HOST}:${http}`;
  const workers = [{ address: new URL(worker).host }];
  const config = { balance: "round_robin", listen, workers } as const;
  writeFileSync(join(folder, "nginx.conf"), nginxConfig(config));
  const policy = { policy: "round_robin" };
  const argv = {
    nginx: ["-p", folder, "-c", "nginx.conf", "-e", "stderr"],
    "vllm-router": vllmRouterArgv(parse(vllmRouter.options, policy), at),
    smg: smgArgv(parse(smg.options, policy), at),
    "smg with retries": smgArgv(parse(smg.options, { ...policy, retries: true }), at),
  }[name];
  const program = Bun.spawn([path, ...argv], { stdout: "ignore", stderr: "ignore" });
  const url = `http://${HOST}:${http}`;
  const rival: Rival = {
    url,
    cpuMs: () => cpuMsOf(program.pid),
    [Symbol.asyncDispose]: async () => {
      program.kill();
      await program.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const limit = performance.now() + READY_LIMIT_MS;
  while (!(await answers(url))) {
    if (performance.now() > limit || program.exitCode !== null) {
      await rival[Symbol.asyncDispose]();
      throw new Error(`${name} did not come up`);
    }
    await Bun.sleep(POLL_MS);
  }
  return rival;
}

export async function answers(url: string): Promise<boolean> {
  const body = JSON.stringify({ model: "m", prompt: "ready", max_tokens: 1, stream: true });
  const headers = { "content-type": "application/json" };
  try {
    const answer = await fetch(`${url}/v1/completions`, { method: "POST", body, headers });
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}

export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const own = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  const below = children === "" ? [] : children.split(" ").map(Number);
  return below.reduce((total, child) => total + cpuMsOf(child), own);
}
