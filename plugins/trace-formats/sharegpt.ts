/**
 * ShareGPT files: one JSON list of conversations, `[{"id", "conversations": [{"from": "human" | "gpt"
 * | "system", "value"}]}]`. Each answer is a row whose prompt is the conversation before it. The file
 * is one value, so it is read whole.
 */
import {
  BlockNames,
  listIn,
  nameIn,
  objectIn,
  optional,
  textIn,
  TraceFault,
  type TraceFormat,
  type TraceRow,
} from "dynbench/trace";

const USER_NAMES = ["human", "user"];
const ANSWERER_NAMES = ["gpt", "chatgpt", "bing", "bard", "assistant", "model"];

export const sharegpt: TraceFormat = {
  name: "sharegpt",
  summary: "ShareGPT: one JSON list of conversations, each turn with from and value",
  silentOn: ["times"],
  needsTokenizer: true,
  recognizes: (line) => /^\s*\[/.test(line),
  reader: ({ blockSize, tokenizer }) => {
    const lines: string[] = [];
    const leftOut = new Map<string, number>();
    return {
      blockSize,
      leftOut,
      push: (line) => {
        lines.push(line);
        return [];
      },
      end: () => {
        const names = new BlockNames();
        const tokenize = (text: string): { isl: number; blocks: number[] } => {
          const tokens = tokenizer!.encode(text);
          return { isl: tokens.length, blocks: names.ofTokens(tokens, blockSize) };
        };
        return listIn(jsonOf(lines.join("\n")), "file").flatMap((conversation, i) =>
          turnsOf(conversation, i).flatMap((turn): TraceRow[] => {
            const osl = tokenizer!.encodePart(turn.answer).length;
            const prompt = tokenize(turn.prompt);
            if (osl > 0 && prompt.isl > 0) return [{ ...prompt, osl, session: turn.session }];
            const reason = "turns without a token";
            leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
            return [];
          }),
        );
      },
    };
  },
};

interface Turn {
  readonly session: string;
  readonly prompt: string;
  readonly answer: string;
}

function turnsOf(value: unknown, index: number): Turn[] {
  const place = `[${index}]`;
  const conversation = objectIn(value, place);
  const session = optional(conversation, "id", nameIn) ?? String(index);
  const turns: Turn[] = [];
  let earlier = "";
  listIn(conversation["conversations"], `${place}.conversations`).forEach((part, i) => {
    const field = `${place}.conversations[${i}]`;
    const { from, value: text } = objectIn(part, field);
    const speaker = textIn(from, `${field}.from`);
    const words = textIn(text, `${field}.value`);
    if (ANSWERER_NAMES.includes(speaker) && earlier !== "") {
      turns.push({ session, prompt: earlier, answer: words });
    } else if (![...USER_NAMES, ...ANSWERER_NAMES, "system"].includes(speaker)) {
      throw new TraceFault(`${field}.from`, `must be human, gpt or system, and is "${speaker}"`);
    }
    earlier += `${speaker}\n${words}\n`;
  });
  return turns;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TraceFault("file", "is not JSON: a ShareGPT file is one list of conversations");
  }
}
