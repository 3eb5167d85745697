/** Why SGLang ended, from the lines of its log. Pure. Texts are those of SGLang 0.5's sources. */
import { explainer, type Reason } from "../../shared/model-servers/log-reasons.ts";

const OWN: readonly Reason[] = [
  {
    seen: /Not enough memory\. Please try to increase --mem-fraction-static/,
    reason: () => ({
      what: "the weights leave no memory for the KV cache",
      hint: "Use more GPUs a server (--tensor-parallel-size), or -- --mem-fraction-static 0.95",
    }),
  },
  {
    seen: /Capture cuda graph failed: ([^\n]*)/,
    reason: ([, what]) => ({
      what: `CUDA graphs cannot be captured: ${what}`,
      hint: "Leave --no-enforce-eager out, or use -- --mem-fraction-static 0.8",
    }),
  },
  {
    seen: /longer than the model's context length|context_length \((\d+)\) is greater than the derived context_length \((\d+)\)/,
    reason: ([, , possible]) => ({
      what: "the model does not know contexts of that length",
      hint: `Use ${possible === undefined ? "a smaller --max-model-len" : `--max-model-len ${possible}`}`,
    }),
  },
];

/** The first known reason in a log. */
export const explainSglang = explainer({
  title: "SGLang",
  module: "sglang",
  memoryHint:
    "Lower --max-num-batched-tokens, or let SGLang take less for weights and KV cache: -- --mem-fraction-static 0.8",
  own: OWN,
});
