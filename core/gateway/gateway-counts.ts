/** What the gateway counts: since the last reset and since the start. */
import { CostSamples, type DecisionCost } from "./cost-samples.ts";
import type { PromptSource } from "./text-tokens.ts";

const NAMES = [
  "requests",
  "decisions",
  "retries",
  "held",
  "aborted",
  "brokenStreams",
  "unavailable",
  "policyFaults",
] as const;
export type CountName = (typeof NAMES)[number];
export type Counts = Record<CountName, number>;

export class GatewayCounts {
  #sinceReset = zeros();
  readonly #total = zeros();
  #prompts = noPrompts();
  #firstPolicyFault: string | undefined;
  readonly #costs = new CostSamples();

  get sinceReset(): Readonly<Counts> {
    return this.#sinceReset;
  }

  get total(): Readonly<Counts> {
    return this.#total;
  }

  /** How prompts were read; "bytes" means that sharing is approximate. */
  get prompts(): Readonly<Record<PromptSource, number>> {
    return this.#prompts;
  }

  get firstPolicyFault(): string | undefined {
    return this.#firstPolicyFault;
  }

  count(name: CountName): void {
    this.#sinceReset[name] += 1;
    this.#total[name] += 1;
  }

  prompt(source: PromptSource): void {
    this.#prompts[source] += 1;
  }

  decision(cost: DecisionCost): void {
    this.count("decisions");
    this.#costs.add(cost);
  }

  policyFault(message: string): void {
    this.count("policyFaults");
    this.#firstPolicyFault ??= message;
  }

  costUs(): ReturnType<CostSamples["quantilesUs"]> {
    return this.#costs.quantilesUs();
  }

  reset(): void {
    this.#sinceReset = zeros();
    this.#prompts = noPrompts();
    this.#firstPolicyFault = undefined;
    this.#costs.clear();
  }
}

function zeros(): Counts {
  return Object.fromEntries(NAMES.map((name) => [name, 0])) as Counts;
}

function noPrompts(): Record<PromptSource, number> {
  return { ids: 0, words: 0, model: 0, bytes: 0, none: 0 };
}
