/**
 * argv, cut once into flags and words. Which flags exist depends on plugins, and which plugins on
 * flags: so argv is cut without knowing the options, and the options judge the tokens afterwards
 * (`arguments.ts`).
 */

export interface CommandLine {
  /** The first word: a command's name, or a flag of the program itself; undefined for an empty line. */
  readonly command: string | undefined;
  /** Flags and words in their order, up to a lone `--`; `--help`, `-h` and `--debug` are left out. */
  readonly tokens: readonly Token[];
  /** The flags among the tokens. */
  readonly flags: readonly Flag[];
  /** Everything after a lone `--`, unchanged. */
  readonly engineArgs: readonly string[];
  /** Whether a lone `--` was typed. */
  readonly hasSeparator: boolean;
  readonly wantsHelp: boolean;
  /** `--debug`: errors are printed with their stack. */
  readonly debug: boolean;
  /** Everything after the command as typed, without `--debug`: for the command that repeats a run. */
  readonly typed: readonly string[];
}

/** A word, or a flag. */
export type Token = string | Flag;

export interface Flag {
  /** As typed, without dashes: `isl`, `workload.isl`. */
  readonly name: string;
  /** The text after `=`, else the next word; undefined where there is neither. */
  readonly value: string | undefined;
  /** Typed as `--name=value`. Otherwise the next word is no value if the flag is a switch. */
  readonly isAttached: boolean;
}

/** `argv`: the words after `dynbench`. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const own = argv.slice(0, end).filter((word) => word !== "--debug");
  const [command, ...words] = own;
  const tokens = tokensOf(words);
  return {
    command,
    tokens,
    flags: tokens.filter((token) => typeof token !== "string"),
    engineArgs: argv.slice(end + 1),
    hasSeparator: end < argv.length,
    wantsHelp: words.some(isHelp),
    debug: own.length < end,
    typed: [...words, ...argv.slice(end)],
  };
}

function tokensOf(words: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    const equals = word.indexOf("=");
    if (isHelp(word)) continue;
    if (!word.startsWith("--")) tokens.push(word);
    else if (equals !== -1) {
      const name = word.slice(2, equals);
      tokens.push({ name, value: word.slice(equals + 1), isAttached: true });
    } else {
      const value = isValue(words[i + 1]) ? words[i + 1] : undefined;
      if (value !== undefined) i += 1;
      tokens.push({ name: word.slice(2), value, isAttached: false });
    }
  }
  return tokens;
}

function isHelp(word: string): boolean {
  return word === "-h" || word === "--help";
}

/** A negative number is a value, another flag is not. */
function isValue(word: string | undefined): boolean {
  if (word === undefined) return false;
  return !word.startsWith("-") || word === "-" || /^-[\d.]/.test(word);
}
