/** The older line of SGLang's router (PyPI sglang-router, 0.3). Takes text and chat; token ids it refuses. */
import { defineRouter, v } from "dynbench";
import { urlHost } from "dynbench/engine";
import {
  commandOption,
  foundCommand,
  programPorts,
  startProgram,
} from "../shared/external/program.ts";
import { allWorkersIn, rustFlags, rustOptions } from "../shared/external/rust-router.ts";

const POLICIES = ["cache_aware", "round_robin", "random", "power_of_two", "manual"] as const;
const MODES = ["random", "min_load", "min_group"] as const;

const NEED = {
  command: "sglang-router",
  install: "pip install sglang-router, in an environment without smg",
};

const options = v.strictObject({
  policy: v.pipe(v.optional(v.picklist(POLICIES), "cache_aware"), v.description("How it routes")),
  ...rustOptions,
  assignmentMode: v.pipe(
    v.optional(v.picklist(MODES), "random"),
    v.description("manual: worker of a new key"),
  ),
  sglangRouterCommand: commandOption(NEED.command),
});

export const sglangRouter = defineRouter({
  name: "sglang-router",
  summary: "SGLang's older router, a program of its own, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { policy: "round_robin" },
  traits: ({ policy }) => ({
    accepts: ["text", "chat"],
    affinity: policy === "cache_aware" || policy === "manual",
    spreads: policy !== "cache_aware" && policy !== "manual",
    kvEvents: false,
    ...(policy === "manual" ? { keyHeader: "x-smg-routing-key" } : {}),
  }),
  find: ({ sglangRouterCommand: command }, { python }) =>
    void foundCommand({ name: "sglang-router", command, install: NEED.install }, python),
  processes: (settings) => [
    {
      name: "sglang-router",
      command: [settings.sglangRouterCommand, ...sglangArgv(settings, PLANNED)],
    },
  ],
  start: async (settings, engine, context) => {
    const ports = programPorts("sglang-router", context);
    const { host } = context;
    const workers = engine.workers.map(({ url }) => url);
    return startProgram(
      {
        name: "sglang-router",
        command: settings.sglangRouterCommand,
        install: NEED.install,
        version: { distribution: "sglang-router" },
        argv: sglangArgv(settings, { host, ports, workers }),
        ports,
        metricsUrl: `http://${urlHost(host)}:${ports.metrics}/metrics`,
        isUp: (url) => allWorkersIn(url, engine),
        facts: { retries: settings.retries, circuitBreaker: settings.circuitBreaker },
      },
      context,
    );
  },
});

const PLANNED = { host: "127.0.0.1", ports: { http: 0, metrics: 0 }, workers: ["WORKERS"] };

export function sglangArgv(
  settings: v.InferOutput<typeof options>,
  at: Parameters<typeof rustFlags>[1],
): string[] {
  return [
    "launch",
    ...rustFlags(settings, at),
    ...(settings.policy === "manual" ? ["--assignment-mode", settings.assignmentMode] : []),
    ...["--log-level", "warn"],
  ];
}
