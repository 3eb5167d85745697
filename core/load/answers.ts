/**
 * Answers that later prompts hold, as token ids: the ids that the server sent (`token_ids`, vLLM's
 * `return_token_ids`), else those of the text. Kept whole events are read when an answer is
 * complete, so that nothing is parsed while tokens come.
 */

/** A quarter of a gigabyte. The oldest answers are dropped, and a later prompt gets made-up tokens in their place. */
const MAX_KEPT_TOKENS = 64 * 1024 * 1024;

export class Answers {
  readonly #encode: (text: string) => Uint32Array;
  readonly #tokens = new Map<number, Uint32Array>();
  #kept = 0;

  constructor(encode: (text: string) => Uint32Array) {
    this.#encode = encode;
  }

  /** Data of a complete answer's events. */
  keep(request: number, events: readonly Uint8Array[]): void {
    const { text, tokenIds } = answerIn(events);
    const tokens = tokenIds ?? this.#encode(text);
    this.#tokens.set(request, tokens);
    this.#kept += tokens.length;
    for (const [oldest, { length }] of this.#tokens) {
      if (this.#kept <= MAX_KEPT_TOKENS) return;
      this.#tokens.delete(oldest);
      this.#kept -= length;
    }
  }

  tokensOf(request: number): Uint32Array | undefined {
    return this.#tokens.get(request);
  }
}

interface Chunk {
  readonly choices?:
    | readonly ({
        readonly text?: unknown;
        readonly delta?: { readonly content?: unknown } | null;
        readonly token_ids?: unknown;
      } | null)[]
    | null;
}

/** Of a server that may send anything; one fault, and the text stands for the whole. */
function isTokenIds(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id <= 0xffffffff)
  );
}

/** Text and token ids of the events; token ids only where every event that carries text has them. */
export function answerIn(events: readonly Uint8Array[]): {
  readonly text: string;
  readonly tokenIds: Uint32Array | undefined;
} {
  let text = "";
  const ids: number[] = [];
  let isComplete = true;
  for (const event of events) {
    const choice = chunkIn(event)?.choices?.[0];
    if (choice === undefined || choice === null) continue;
    const part = choice.text ?? choice.delta?.content;
    if (typeof part === "string") text += part;
    if (isTokenIds(choice.token_ids)) for (const id of choice.token_ids) ids.push(id);
    else if (part) isComplete = false;
  }
  return { text, tokenIds: isComplete && ids.length > 0 ? Uint32Array.from(ids) : undefined };
}

/** Undefined for `[DONE]`, and for what is no JSON: the stream was judged when it came. */
function chunkIn(event: Uint8Array): Chunk | undefined | null {
  try {
    return JSON.parse(new TextDecoder().decode(event)) as Chunk;
  } catch {
    return undefined;
  }
}
