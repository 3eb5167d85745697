/** The commands, loaded when they are called: start-up is imports. */
import type { Environment } from "./options/environment.ts";

export type Body = (argv: readonly string[], environment: Environment) => Promise<number>;

interface Command {
  readonly description: string;
  readonly load: () => Promise<Body>;
}

export const COMMANDS = {
  run: {
    description: "Measure routers",
    load: async () => (await import("./commands/run.ts")).run,
  },
  plan: {
    description: "Print what a run would start and send",
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  up: {
    description: "Start an engine and a router and keep them up",
    load: async () => (await import("./commands/up.ts")).up,
  },
  ping: {
    description: "Send one streamed request and check the answer",
    load: async () => (await import("./commands/ping.ts")).ping,
  },
  report: {
    description: "Rebuild the reports of run folders",
    load: async () => (await import("./commands/report.ts")).report,
  },
  trace: {
    description: "Analyze a trace, or synthesize more of its kind",
    load: async () => (await import("./commands/trace.ts")).trace,
  },
  plugin: {
    description: "List, show, add and remove plugins; make, test and pack one",
    load: async () => (await import("./commands/plugin.ts")).plugin,
  },
  doctor: {
    description: "Look at what this machine has for runs, and remove what dead runs left",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  "null-server": {
    description: "A server of known timing",
    load: async () => (await import("./commands/null-server.ts")).nullServer,
  },
  completion: {
    description: "Print what completes the command line in bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  man: {
    description: "Print the manual page",
    load: async () => (await import("./commands/man.ts")).man,
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;
