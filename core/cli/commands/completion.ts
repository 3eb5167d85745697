/** `dynbench completion SHELL`: prints a script for the shell, and answers what that script asks at Tab. */
import { loadPlugins, pluginOptions } from "../options/added-plugins.ts";
import { readCommandLine, type CommandLine } from "../options/command-line.ts";
import { complete, type Completion } from "./complete.ts";
import type { Environment } from "../options/environment.ts";
import bash from "./shells/dynbench.bash" with { type: "text" };
import fish from "./shells/dynbench.fish" with { type: "text" };
import zsh from "./shells/dynbench.zsh" with { type: "text" };
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";

const SCRIPTS = { bash, zsh, fish };
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

const HELP = `Usage: dynbench completion ${SHELLS.join("|")}

Prints a script that completes commands, options, values and names of plugins, including added
plugins.

  bash   source <(dynbench completion bash)            in ~/.bashrc; bash 4.3 or newer
  zsh    source <(dynbench completion zsh)             in ~/.zshrc, after compinit
  fish   dynbench completion fish | source             in ~/.config/fish/config.fish
`;

export async function completion(line: CommandLine, environment: Environment): Promise<number> {
  const [shell, ...rest] = line.typed;
  if (shell === "words" && rest[0] === "--") return answer(line.engineArgs, environment);
  if (line.wantsHelp) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok.code;
  }
  const known = SHELLS.find((one) => one === shell);
  if (known === undefined || rest.length > 0) {
    const what = known === undefined ? `"${shell ?? ""}"` : `"${line.typed.join(" ")}"`;
    const expected = `expected one of ${SHELLS.join(", ")}`;
    throw new DynbenchError("plan", `Cannot complete for ${what}: ${expected}`, {
      hint: 'See "dynbench completion --help"',
    });
  }
  process.stdout.write(SCRIPTS[known]);
  return EXIT_CODES.ok.code;
}

/** `words`: those after `dynbench`. The last one is being typed; it is empty before its first letter. */
async function answer(words: readonly string[], environment: Environment): Promise<number> {
  const line = readCommandLine(words.slice(0, -1));
  try {
    await loadPlugins(environment.plugins, pluginOptions(line, []));
  } catch {
    // A plugin that does not load must not stop the completion: the others are offered.
  }
  process.stdout.write(answerText(complete(line, words.at(-1) ?? "", environment)));
  return EXIT_CODES.ok.code;
}

function answerText(found: Completion): string {
  if (found.kind !== "words") return `${found.kind}\t${found.prefix}\n`;
  const lines = found.candidates.map(({ word, description }) => `${word}\t${description}\n`);
  return `words\t\n${lines.join("")}`;
}
