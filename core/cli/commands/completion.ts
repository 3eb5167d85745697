/** `dynbench completion SHELL`: a script for the shell. What it asks for at Tab is answered here too. */
import { loadPlugins } from "../options/added-plugins.ts";
import { valuesOf } from "../options/arguments.ts";
import { complete, type Completion } from "./complete.ts";
import type { Environment } from "../options/environment.ts";
import bash from "./shells/dynbench.bash" with { type: "text" };
import fish from "./shells/dynbench.fish" with { type: "text" };
import zsh from "./shells/dynbench.zsh" with { type: "text" };
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";

const SCRIPTS = { bash, zsh, fish };
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

const HELP = `Usage: dynbench completion ${SHELLS.join("|")}

Prints a script that completes commands, options, values and the names of plugins, of those that
were added too.

  bash   source <(dynbench completion bash)            in ~/.bashrc; bash 4.3 or newer
  zsh    source <(dynbench completion zsh)             in ~/.zshrc, after compinit
  fish   dynbench completion fish | source             in ~/.config/fish/config.fish
`;

export async function completion(
  argv: readonly string[],
  environment: Environment,
): Promise<number> {
  const [shell, ...rest] = argv;
  if (shell === "words" && rest[0] === "--") return answer(rest.slice(1), environment);
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok.code;
  }
  const known = SHELLS.find((one) => one === shell);
  if (known === undefined || rest.length > 0) {
    const what = known === undefined ? `"${shell ?? ""}"` : `"${argv.join(" ")}"`;
    throw new DynbenchError(
      "plan",
      `Cannot complete for ${what}: expected one of ${SHELLS.join(", ")}`,
      {
        hint: 'See "dynbench completion --help"',
      },
    );
  }
  process.stdout.write(SCRIPTS[known]);
  return EXIT_CODES.ok.code;
}

/** A plugin that does not load must not spoil a line that is being typed. */
async function answer(line: readonly string[], environment: Environment): Promise<number> {
  const own = line.slice(0, -1);
  try {
    await loadPlugins(environment.plugins, {
      plugin: valuesOf(own, "plugin"),
      pluginFolder: valuesOf(own, "plugin-folder").at(-1),
      noPlugins: own.includes("--no-plugins"),
    });
  } catch {
    // what did load is offered
  }
  process.stdout.write(answerText(complete(line, environment)));
  return EXIT_CODES.ok.code;
}

function answerText(found: Completion): string {
  if (found.kind !== "words") return `${found.kind}\t${found.prefix}\n`;
  const lines = found.candidates.map(({ word, description }) => `${word}\t${description}\n`);
  return `words\t\n${lines.join("")}`;
}
