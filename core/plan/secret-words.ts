/**
 * What is secret in settings, headers and command lines, by names and by values: in engine arguments, in
 * the command that repeats a run, in commands of started programs. It is stored as `***`.
 *
 * The mask must not eat a setting, because a run could be neither understood nor repeated without it.
 * So a name is secret by whole words, a number never is, and neither is the place of a secret.
 */

export const MASK = "***";

/** `value`, or with `***` for what is secret in it. Masking it again changes nothing. */
export function masked(name: string, value: string): string {
  if (NUMBER.test(value)) return value;
  return isSecretName(name) ? MASK : maskText(value);
}

/** The same for a header, which is no setting: a number behind a secret name is secret too. */
export function maskedHeader(name: string, value: string): string {
  return isSecretName(name) ? MASK : masked(name, value);
}

/** `--hf-token`, `apiKey`, `DB_PASSWORD`, `X-Auth`; not `--long-prefill-token-threshold` or `kvBytesPerToken`. */
export function isSecretName(name: string): boolean {
  // Where it is or how many there are, not what.
  if (/[-_](env|file|path|count)$|[a-z](Env|File|Path|Count)$/.test(name)) return false;
  const words = name
    .replace(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3-$2$4")
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => /[a-z]/.test(word)); // `API_KEY_2`
  const last = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  const isLast = LAST_WORD.test(last) && !ORDINARY_BEFORE.test(before);
  return isLast || words.some((word) => ANY_WORD.test(word)) || TWO_WORDS.test(words.join(" "));
}

/** Secret wherever it stands in a name. */
const ANY_WORD =
  /^(secrets?|credentials?|authorization|cookies?|jwt|pass(word|wd|phrase|code)s?|(api|access|auth|private)(token|key)s?)$/;
const TWO_WORDS = /\b(api|access|auth|private|bearer) (token|key)s?\b/;
/** Secret at the end of a name: elsewhere it is what the setting is about. */
const LAST_WORD = /^(token|keys?|auth|pass|signature)$/;
/** Tokens of a model, and keys by which things are found. */
const ORDINARY_BEFORE =
  /^(per|first|last|next|prompt|eos|bos|pad|unk|sep|cls|mask|stop|special|image|public|cache|hash|routing|prefix|partition|sort|dynbench)$/;

const NUMBER = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Text with `***` for what looks like a secret whatever its name: keys of known makers, tokens, passwords in URLs. */
function maskText(text: string): string {
  return text
    .replace(KNOWN_VALUE, MASK)
    .replace(JSON_MEMBER, (all, name: string, value: string) =>
      NUMBER.test(value) || !isSecretName(name) ? all : `"${name}":"${MASK}"`,
    );
}

const KNOWN_VALUE = new RegExp(
  [
    /\b(?:sk|pk|rk)-[\w-]{16,}/, // OpenAI, Anthropic, Stripe
    /\b(?:hf|gsk|gh[pousr]|github_pat)_\w{16,}/, // Hugging Face, Groq, GitHub
    /\bnvapi-[\w-]{16,}/,
    /\bxox[abprs]-[\w-]{10,}/, // Slack
    /\bA(?:KIA|SIA)[A-Z\d]{16}\b/, // AWS
    /\bAIza[\w-]{30,}/, // Google
    /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/, // JSON web token
    /\b(?:Bearer|Basic) +(?=\S*\d)[\w.~+/=-]{8,}/,
    /(?<=\w:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/, // the password of a URL
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);
const JSON_MEMBER = /"([\w-]+)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/** A command line as it may be printed and stored; masking it again changes nothing. */
export function maskWords(words: readonly string[]): string[] {
  let flag = ""; // the one before: `--api-key a b` are two keys
  return words.map((word) => {
    if (word.startsWith("-")) {
      flag = word.includes("=") ? "" : word;
      const equals = word.indexOf("=");
      if (HEADER_FLAG.test(word.slice(0, equals))) {
        return word.slice(0, equals + 1) + maskHeader(word.slice(equals + 1));
      }
      return maskAssignments(word);
    }
    if (HEADER_FLAG.test(flag)) return maskHeader(word);
    if (HEADER_ENV_FLAG.test(flag)) return word;
    return isSecretName(flag) ? masked(flag, word) : maskAssignments(word);
  });
}

const HEADER_FLAG = /^(-H|--(?:run\.)?header)$/;
/** Its values are names of variables. */
const HEADER_ENV_FLAG = /^--(?:run\.)?header-env\b/;

/** `authorization: Bearer x`, `x-auth=x`; the place of a value, `@FILE`, is none. */
function maskHeader(word: string): string {
  const [start, name] = /^([\w-]+)\s*[:=]\s*(?!@)/.exec(word) ?? [];
  if (start === undefined) return maskText(word);
  return start + maskedHeader(name!, word.slice(start.length));
}

/** `--hf-token=x`, `HF_TOKEN=x`, `mocker:apiKey=x,workers=2`, `--body=apiKey="x"`. */
function maskAssignments(word: string): string {
  if (HEADER_ENV_FLAG.test(word)) return word;
  const replaced = word.replace(
    ASSIGNMENT,
    (_, before: string, name: string, value: string) =>
      `${before}${name}=${isSecretName(name) ? masked(name, value) : maskAssignments(value)}`,
  );
  return maskText(replaced);
}

const ASSIGNMENT = /(^-{0,2}|[:,])([A-Za-z_][\w.-]*)=([^,]*)/g;

/**
 * Facts, a request body or options with what is secret masked: command lines, named values, and all that
 * stands below a secret name.
 */
export function maskFacts(value: unknown, name = ""): unknown {
  if (typeof value === "string") return masked(name, value);
  if (Array.isArray(value)) {
    return !isSecretName(name) && value.every((item) => typeof item === "string")
      ? maskWords(value)
      : value.map((item) => maskFacts(item, name));
  }
  if (typeof value !== "object" || value === null) return value;
  const isBelow = isSecretName(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, maskFacts(inner, isBelow ? name : key)]),
  );
}

/** Whether something was masked in a value. */
export function holdsMask(value: unknown): boolean {
  return JSON.stringify(value)?.includes(MASK) === true;
}
