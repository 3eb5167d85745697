/** The commands, each with what help, completion and the manual page say of it. */

export const COMMANDS = {
  run: "Measure routers",
  plan: "Print what a run would start and send",
  up: "Start an engine and a router and keep them up",
  ping: "Send one streamed request and check the answer",
  report: "Rebuild the reports of run folders",
  trace: "Analyze a trace, or synthesize more of its kind",
  plugin: "List, show, add and remove plugins; make, test and pack one",
  doctor: "Look at what this machine has for runs, and remove what dead runs left",
  "null-server": "A server of known timing",
  completion: "Print what completes the command line in bash, zsh or fish",
  man: "Print the manual page",
} as const;

export type CommandName = keyof typeof COMMANDS;
