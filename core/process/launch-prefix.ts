/**
 * `--launch "ssh gpu7 {command}"`: foreign programs started through another program, elsewhere or in a
 * container, with the environment in the command line because none crosses there, and ended there too.
 */
import { basename } from "node:path";

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly holdsStdin: boolean;
}

/** Where the command goes in a template. */
export const COMMAND_PLACE = "{command}";

/**
 * The command as the template has it. A word `{command}` of its own is replaced by the words; inside
 * another word, or after `ssh` (which passes one text to a shell), by the quoted text.
 */
export function launched(
  template: string | undefined,
  start: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> },
): Launch {
  if (template === undefined) return { ...start, holdsStdin: false };
  const prefix = shellWords(template);
  const settings = Object.entries(start.env).map(([name, value]) => `${name}=${value}`);
  const local = settings.length === 0 ? start.command : ["env", ...settings, ...start.command];
  const isRemote = leavesProcessGroup(prefix);
  const words = isRemote ? ["sh", "-c", WATCHED, "dynbench", ...local] : local;
  const text = words.map(shellQuoted).join(" ");
  const isSsh = basename(prefix[0] ?? "") === "ssh";
  const command = prefix.flatMap((word) =>
    word === COMMAND_PLACE && !isSsh ? words : [word.replace(COMMAND_PLACE, () => text)],
  );
  return { command, env: {}, holdsStdin: isRemote };
}

/** The fault of a template; undefined without one. */
export function launchFault(template: string): { message: string; hint: string } | undefined {
  if (template.split(COMMAND_PLACE).length !== 2) {
    const hint = `Write the place of the command once: --launch "ssh gpu7 ${COMMAND_PLACE}"`;
    return { message: `must hold ${COMMAND_PLACE} once`, hint };
  }
  const words = shellWords(template);
  if (isContainer(words) && !words.some((word) => /^(-[a-z]*i[a-z]*|--interactive)$/.test(word))) {
    const hint = `Add -i: ${words[0]} run -i …`;
    return { message: "without -i the container would outlive the run", hint };
  }
  return undefined;
}

/** Whether signals to our process group do not reach what is started: it runs on another machine or in a container. */
function leavesProcessGroup(prefix: readonly string[]): boolean {
  return basename(prefix[0] ?? "") === "ssh" || isContainer(prefix);
}

function isContainer(prefix: readonly string[]): boolean {
  return ["docker", "podman", "nerdctl"].includes(basename(prefix[0] ?? ""));
}

/**
 * Runs "$@" in a session of its own and ends it when stdin closes, which it does however our end
 * goes: the keeper holds it, and ssh and docker pass its end on. TERM, then KILL after 15 s.
 */
const WATCHED =
  'exec 3<&0; setsid "$@" </dev/null 3<&- & child=$!; ' +
  "trap 'kill -TERM -$child 2>/dev/null' TERM INT HUP; " +
  "(cat <&3; kill -TERM -$child; for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do " +
  "kill -0 -$child || exit; sleep 1; done; kill -KILL -$child) >/dev/null 2>&1 & watch=$!; " +
  // A signal ends the first wait; the program may still be leaving.
  "exec 3<&-; wait $child; code=$?; while kill -0 $child 2>/dev/null; do wait $child; code=$?; done; " +
  "kill -KILL -$child 2>/dev/null; kill $watch 2>/dev/null; exit $code";

/** A text split as a shell would, quotes and backslashes understood, nothing expanded. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= "";
    } else if (character === "\\" && quote !== "'" && i + 1 < text.length) {
      word = (word ?? "") + text[++i]!;
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** A word that a shell reads back as it is. */
export function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
