/**
 * Which words of a command line are secret, by the names before them: in engine arguments, in the
 * command that repeats a run, in commands of started programs. Such words are stored as `***`.
 */

export const MASK = "***";

/** Whether a header's or a variable's value is kept secret, by its name. */
export function isSecretName(name: string): boolean {
  return /authorization|cookie|token|key|secret|pass/i.test(name);
}

/**
 * The same for flags, by whole words: `--hf-token`, `apiKey`, `DB_PASSWORD`, and not
 * `--max-num-batched-tokens` or `--tokenizer`, which runs could not be understood without.
 */
export function isSecretFlag(name: string): boolean {
  // Where it is or how many there are, not what.
  if (/[-_](env|file|path|count)$|[a-z](Env|File|Path|Count)$/.test(name)) return false;
  const words = name.replace(/([a-z\d])([A-Z])/g, "$1-$2").split(/[^A-Za-z\d]+/);
  return words.some((word) => SECRET_WORD.test(word));
}

const SECRET_WORD =
  /^((api|access|auth|private)?(token|keys?)|secrets?|pass(word|wd|phrase|code)?s?)$/i;

/** `value`, or `***` if its name is that of a secret. */
export function masked(name: string, value: string): string {
  return isSecretName(name) ? MASK : value;
}

/** A command line as it may be printed and stored; masking it again changes nothing. */
export function maskWords(words: readonly string[]): string[] {
  let isSecret = false; // of the flag before: `--api-key a b` are two keys
  return words.map((word) => {
    if (word.startsWith("-")) isSecret = isSecretFlag(word) && !word.includes("=");
    else if (isSecret) return MASK;
    return maskAssignments(word);
  });
}

/** `--hf-token=x`, `HF_TOKEN=x`, `mocker:apiKey=x,workers=2`. */
function maskAssignments(word: string): string {
  return word.replace(ASSIGNMENT, (all, before: string, name: string) =>
    isSecretFlag(name) ? `${before}${name}=${MASK}` : all,
  );
}

const ASSIGNMENT = /(^-{0,2}|[:,])([A-Za-z_][\w.-]*)=([^,]*)/g;

/** Facts that a plugin reports, with the secrets in command lines and named values masked. */
export function maskFacts(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === "string")
      ? maskWords(value)
      : value.map((item) => maskFacts(item));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) =>
    typeof inner === "string" && isSecretFlag(key) ? [key, MASK] : [key, maskFacts(inner)],
  );
  return Object.fromEntries(entries);
}
