/** The text of `--slo`: `ttft=500,tpot=50,e2e=20000`, limits in milliseconds that a request must keep. */
import type { ServiceLevel } from "../contract/plan.ts";

const KEYS = { ttft: "ttftMs", tpot: "tpotMs", e2e: "e2eMs" } as const;
const MAX_MS = 86_400_000;

/** The limits, or what is wrong with the text and what to write. */
export function parseSlo(text: string): ServiceLevel | { fault: string; hint: string } {
  const hint = "--slo ttft=500,e2e=20000, with ttft, tpot and e2e in milliseconds";
  const limits: { -readonly [key in keyof ServiceLevel]: number } = {};
  for (const item of text.split(",")) {
    const [, name, amount] = /^\s*(ttft|tpot|e2e)\s*=\s*(\d+\.?\d*|\.\d+)\s*$/.exec(item) ?? [];
    if (name === undefined) return { fault: `expected NAME=MILLISECONDS, got "${item}"`, hint };
    const key = KEYS[name as keyof typeof KEYS];
    if (limits[key] !== undefined) return { fault: `has "${name}" twice`, hint };
    const limitMs = Number(amount);
    if (!(limitMs > 0 && limitMs <= MAX_MS)) {
      return { fault: `has ${name}=${amount}, which is not above 0 and at most ${MAX_MS}`, hint };
    }
    limits[key] = limitMs;
  }
  return limits;
}
