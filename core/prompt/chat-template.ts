/** A model's chat template (jinja, as HF's `apply_chat_template` renders it). */
import { Template } from "@huggingface/jinja";
import type { ChatMessage } from "./tokenizer.ts";

export interface TemplateConfig {
  /** One template, or several by name of which `default` is meant. */
  readonly chat_template?: string | readonly { name: string; template: string }[] | undefined;
  readonly [key: string]: unknown;
}

/** Renders chats with the opening of the answer; undefined where the model has no template. */
export function chatRenderer(
  config: TemplateConfig,
): ((messages: readonly ChatMessage[]) => string) | undefined {
  const { chat_template: given } = config;
  const source =
    typeof given === "object" ? given.find(({ name }) => name === "default")?.template : given;
  if (source === undefined) return undefined;
  const template = new Template(source);
  const tokens = Object.fromEntries(
    ["bos_token", "eos_token", "unk_token", "pad_token"].map((name) => [name, text(config[name])]),
  );
  return (messages) =>
    template.render({
      ...tokens,
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
    });
}

/** A special token is a text, or an object that holds it. */
function text(token: unknown): string {
  if (typeof token === "string") return token;
  if (typeof token !== "object" || token === null || !("content" in token)) return "";
  return typeof token.content === "string" ? token.content : "";
}
