/** `dynbench up`: an engine and a router that stay up until Ctrl-C, with their URLs. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import { startLog } from "./log.ts";
import { planFromArguments } from "./plan-from-arguments.ts";
import { epochMs } from "../clock.ts";
import { DynbenchError, EXIT_CODES, PlanFaults } from "../errors.ts";
import type { Engine, Router, StartContext } from "../plugin.ts";
import { endOf, lastWords, startSupervisor, type Death } from "../process/supervisor.ts";
import { startRouter } from "../run/router-up.ts";

export async function up(argv: readonly string[], environment: Environment): Promise<number> {
  const planned = await planFromArguments("up", argv, environment);
  if (!planned) return EXIT_CODES.ok.code;
  const { plan } = planned;
  if (plan.arms.length > 1) {
    throw new PlanFaults([
      { path: "run.router", message: "dynbench up takes one engine and one router" },
    ]);
  }
  const arm = plan.arms[0]!;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () =>
      stop.signal.aborted ? process.exit(EXIT_CODES.interrupted.code) : stop.abort(),
    );
  }
  let death: Death | undefined;
  const runDir = planned.out ?? mkdtempSync(join(tmpdir(), "dynbench-up-"));
  await using supervisor = startSupervisor({
    self: environment.self,
    marker: `${process.pid}-${epochMs()}`,
    logDir: runDir,
    host: plan.host,
    seed: plan.seed,
    onDeath: (one) => {
      death ??= one;
      stop.abort();
    },
  });
  const context: StartContext = {
    signal: stop.signal,
    log: startLog({ debug: false }),
    runDir,
    processes: supervisor,
    host: plan.host,
    seed: plan.seed,
    engineArgs: plan.engineArgs,
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
    supervisor,
    context,
  });
  process.stdout.write(
    `${[
      ...handle.workers.map(({ id, url }) => `${id}  ${url}`),
      ...router.urls.map((url) => `router ${arm.label}  ${url}`),
      `model  ${handle.servedModelName}`,
      `logs  ${runDir}`,
      `Try it: dynbench ping ${router.urls[0]}    Ctrl-C ends it`,
    ].join("\n")}\n`,
  );
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    else stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  if (death) {
    throw new DynbenchError("load", `${death.name} died (${endOf(death.code, death.signal)})`, {
      hint: lastWords(death.lastLines, death.logPath),
    });
  }
  return EXIT_CODES.ok.code;
}
