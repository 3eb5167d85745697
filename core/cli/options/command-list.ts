/** The commands, with their descriptions in completion and the manual page. */

export const COMMANDS = {
  run: "Measure routers",
  tune: "Find the best setting of routers for a load, by simulation",
  size: "Find how many workers a load needs, by simulation",
  plan: "Print what a run would start and send",
  up: "Start an engine and a router and keep them up",
  ping: "Send one streamed request and check the answer",
  report: "Rebuild the reports of run folders",
  trace: "Analyze a trace, synthesize a similar one, or convert it",
  plugin: "List, show, add and remove plugins; make, test and pack one",
  doctor: "Check this machine for runs, and remove what killed runs left behind",
  "null-server": "A server of known timing, to measure a load generator with",
  completion: "Print the completion script for bash, zsh or fish",
  man: "Print the manual page",
} as const;

export type CommandName = keyof typeof COMMANDS;
