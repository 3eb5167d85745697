/** The older line of SGLang's router (PyPI sglang-router, 0.3). Takes text and chat; token ids it refuses. */
import { defineRouter, v } from "dynbench";
import { commandOption, foundCommand } from "../shared/external/program.ts";
import {
  assignmentModeOption,
  PLANNED,
  rustFlags,
  rustOptions,
  startRustRouter,
  type RustPlace,
} from "../shared/external/rust-router.ts";

const POLICIES = ["cache_aware", "round_robin", "random", "power_of_two", "manual"] as const;

const NEED = {
  command: "sglang-router",
  install: "pip install sglang-router, in an environment without smg",
};

const options = v.strictObject({
  policy: v.pipe(v.optional(v.picklist(POLICIES), "cache_aware"), v.description("How it routes")),
  ...rustOptions,
  assignmentMode: assignmentModeOption,
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
  find: ({ sglangRouterCommand }, { python }) =>
    void foundCommand(NEED, sglangRouterCommand, python),
  processes: (settings) => [
    {
      name: NEED.command,
      command: [settings.sglangRouterCommand, ...sglangArgv(settings, PLANNED)],
    },
  ],
  start: (settings, engine, context) =>
    startRustRouter(
      {
        need: NEED,
        command: settings.sglangRouterCommand,
        settings,
        argv: (at) => sglangArgv(settings, at),
      },
      engine,
      context,
    ),
});

export function sglangArgv(settings: v.InferOutput<typeof options>, at: RustPlace): string[] {
  return [
    "launch",
    ...rustFlags(settings, at),
    ...(settings.policy === "manual" ? ["--assignment-mode", settings.assignmentMode] : []),
    ...["--log-level", "warn"],
  ];
}
