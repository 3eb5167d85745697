/** What the log of Dynamo's frontend (1.6.1) says of why it will never serve. Pure. */

export interface ExplainedFault {
  readonly message: string;
  readonly hint: string;
}

/** The first reason found; undefined while the log tells none. */
export function explainFrontend(lines: readonly string[]): ExplainedFault | undefined {
  for (const line of lines.map(plain)) {
    const known = FAULTS.find(({ pattern }) => pattern.test(line));
    if (known) return { message: known.message, hint: `${known.hint}. Its log says:\n  ${line}` };
  }
  return undefined;
}

/** A log line without the colours that Dynamo writes even into files. */
export function plain(line: string): string {
  // eslint-disable-next-line no-control-regex
  return line.replace(/\u001b\[[0-9;]*m/g, "").trim();
}

const FAULTS: readonly { pattern: RegExp; message: string; hint: string }[] = [
  {
    pattern: /materialization failed.*chat_template|chat_template field is required/i,
    message: "the model's folder has no chat template, without which Dynamo serves nothing",
    hint: 'Add "chat_template" to its tokenizer_config.json',
  },
  {
    pattern: /materialization failed/i,
    message: "it cannot make the model that the workers registered",
    hint: "Check config.json, tokenizer.json and tokenizer_config.json in the model's folder",
  },
  {
    pattern: /port \d+ already in use/i,
    message: "its port was taken by another program meanwhile",
    hint: "Run it again",
  },
  {
    pattern: /Unknown arguments specified/,
    message: "it does not know a flag",
    hint: "Leave the option out, or use another version of Dynamo",
  },
];
