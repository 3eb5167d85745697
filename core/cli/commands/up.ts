/** `dynbench up`: starts an engine and a router, prints their URLs, and keeps them running until Ctrl-C. */
import { given } from "../../base/given.ts";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { startLog } from "../text/log.ts";
import {
  checkHeaders,
  planFromArguments,
  warnOfShownSecrets,
  type Planned,
} from "./plan-from-arguments.ts";
import { stopSignals } from "./stop-signals.ts";
import { epochMs } from "../../system/clock.ts";
import {
  DynbenchError,
  EXIT_CODES,
  firstCause,
  messageOf,
  PlanFaults,
  type Fault,
} from "../../base/errors.ts";
import { temporaryName } from "../../system/temporary-name.ts";
import { whyNot } from "../../base/why-not.ts";
import type { Plan, PlannedArm } from "../../contract/plan.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { Engine, EngineHandle } from "../../contract/engine.ts";
import type { StartContext } from "../../contract/processes.ts";
import type { Router } from "../../contract/router.ts";
import { startSupervisor } from "../../process/supervisor.ts";
import { deathError } from "../../process/death.ts";
import { mustReachItself } from "../../process/loopback.ts";
import { wireHeaders } from "../../wire/http/wire-headers.ts";
import { mustFind } from "../../run/setup/must-find.ts";
import { startRouter, type RunningRouter } from "../../run/setup/router-up.ts";

/** Returns after Ctrl-C; throws when a process dies. */
export async function up(line: CommandLine, environment: Environment): Promise<number> {
  const planned = await planFromArguments("up", line, environment);
  if (!planned) return EXIT_CODES.ok.code;
  const { plan } = planned;
  checkHeaders(plan);
  warnOfShownSecrets(line, startLog({ debug: false }));
  const faults = upFaults(planned, environment);
  if (faults.length > 0) throw new PlanFaults(faults);
  await mustReachItself(plan.host);
  const stop = new AbortController();
  for (const signal of stopSignals()) {
    process.on(signal, () =>
      stop.signal.aborted ? process.exit(EXIT_CODES.interrupted.code) : stop.abort(INTERRUPTED),
    );
  }
  await mustFind(plan.arms, environment.plugins);
  if (planned.port !== undefined) claimPorts(planned.port, plan);
  const logDir = makeLogDir(planned.out);
  try {
    await stayUp(planned, { environment, stop, logDir });
  } catch (error) {
    if (firstCause(error) !== INTERRUPTED) throw error;
  }
  // After a normal end the logs are removed, unless the user has named a folder for them.
  if (planned.out === undefined) rmSync(logDir, { recursive: true, force: true });
  return EXIT_CODES.ok.code;
}

function upFaults({ plan: { arms, clock, replicas }, port }: Planned, at: Environment): Fault[] {
  const several = {
    path: "run.router",
    message: "dynbench up takes one engine and one router",
    hint: `Choose one of: ${arms.map(({ label }) => label).join(", ")}`,
  };
  const virtual = {
    path: "run.clock",
    message: "on the virtual clock there is nothing to keep running",
    hint: "Leave --clock virtual out, or simulate a load: dynbench run --clock virtual",
  };
  return [
    ...(arms.length > 1 ? [several] : []),
    ...(clock === "virtual" ? [virtual] : []),
    ...(port === undefined
      ? []
      : portFaults(port, { replicas, arm: arms[0]!, plugins: at.plugins })),
  ];
}

function portFaults(
  port: number,
  { replicas, arm, plugins }: { replicas: number; arm: PlannedArm; plugins: PluginSet },
): Fault[] {
  const path = "run.port";
  const router = plugins.find("router", arm.router.name)?.plugin as Router;
  if (!router.policy && !router.processes) {
    const message = `router "${router.name}" is not started by dynbench, so its port cannot be chosen`;
    return [{ path, message, hint: "Leave --port out" }];
  }
  if (port + replicas - 1 <= MAX_PORT) return [];
  return [{ path, message: `leaves no room for ${replicas} replicas`, hint: "Choose a lower one" }];
}

const MAX_PORT = 65_535;

const INTERRUPTED = new DynbenchError("interrupted", "Interrupted");

function makeLogDir(out: string | undefined): string {
  const path = out === undefined ? tmpdir() : resolve(out);
  try {
    if (out === undefined) return mkdtempSync(join(path, temporaryName("up")));
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot write logs to ${path}: ${whyNot(cause)}`, {
      cause,
      hint: "Choose another folder with --out",
    });
  }
  return path;
}

/** Finds a port that is in use before an engine loads its model, which takes minutes. */
function claimPorts(first: number, { host: hostname, replicas }: Plan): void {
  for (let port = first; port < first + replicas; port += 1) {
    try {
      Bun.listen({ hostname, port, socket: { data() {} } }).stop();
    } catch (cause) {
      throw new DynbenchError(
        "start",
        `Cannot listen on ${hostname}:${port}: ${messageOf(cause)}`,
        {
          cause,
          hint: "Choose another --port, or stop the program that holds it",
        },
      );
    }
  }
}

async function stayUp(
  { plan, port }: Planned,
  place: { environment: Environment; stop: AbortController; logDir: string },
): Promise<void> {
  const { environment, stop, logDir } = place;
  const arm = plan.arms[0]!;
  await using supervisor = startSupervisor({
    self: environment.self,
    marker: `${process.pid}-${epochMs()}`,
    logDir,
    host: plan.host,
    seed: plan.seed,
    signal: stop.signal,
    onDeath: (death) => stop.abort(deathError(death)),
  });
  const context: StartContext = {
    signal: stop.signal,
    log: startLog({ debug: false }),
    runDir: logDir,
    processes: supervisor,
    host: plan.host,
    replicas: plan.replicas,
    seed: plan.seed,
    engineArgs: plan.engineArgs,
    ...given({ planeSettings: plan.planeSettings }),
    requestHeaders: wireHeaders(plan.wire, process.env),
  };
  const engine = (await environment.plugins.load(arm.engine)) as Engine;
  if (!engine.start)
    throw new DynbenchError("plan", `Engine "${engine.name}" runs only on the virtual clock`);
  await using handle = await engine.start(arm.engine.options, arm.plane, context);
  await using router = await startRouter((await environment.plugins.load(arm.router)) as Router, {
    arm: 0,
    planned: arm,
    engine: handle,
    replicas: plan.replicas,
    form: plan.wire.form,
    ...given({ port }),
    supervisor,
    context,
  });
  process.stdout.write(addresses(handle, router, { label: arm.label, logDir }));
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    else stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  throw stop.signal.reason;
}

function addresses(
  engine: EngineHandle,
  router: RunningRouter,
  { label, logDir }: { label: string; logDir: string },
): string {
  return `${[
    ...engine.workers.map(
      ({ id, url, instance, role }) =>
        `${id}  ${instance ?? url}${role === "aggregated" ? "" : `  ${role}`}`,
    ),
    ...router.urls.map((url) => `router ${label}  ${url}`),
    `model  ${router.servedModelName ?? engine.servedModelName}`,
    `logs  ${logDir}`,
    `Try it: dynbench ping ${router.urls[0]}    Ctrl-C ends it`,
  ].join("\n")}\n`;
}
