/**
 * Requirements for every workload: the suite of bundled and outside workloads. A workload that passes
 * can be repeated by seed and streamed without end, and its lengths and sharing are as declared.
 */
import { describe, expect, test } from "bun:test";
import { randomStream, v, type RequestSpec, type Segment, type Workload } from "dynbench";
import { testOwnNames } from "./own-names.ts";

export interface WorkloadSuite {
  readonly workload: Workload<any, any>;
  /** Raw options that it requires; part of every case. */
  readonly required?: Readonly<Record<string, unknown>>;
  /** Raw options of the cases to run, besides `required` alone; each must pass the schema. */
  readonly cases?: readonly Record<string, unknown>[];
  /** Rows that `read` would return, for workloads that read files. */
  readonly rows?: unknown;
  /** Requests it has at most, for workloads with an end. */
  readonly length?: number;
  /** Leading prompt tokens that two requests have in common, as the options declare. */
  readonly sharedTokens?: (a: RequestSpec, b: RequestSpec, options: any) => number;
}

/** Enough to see every branch of a draw, few enough to stay quick. */
const SAMPLE = 64;
/** More than any run sends: a workload that builds its requests before the first one never gets here. */
const HUGE = 1e12;

export function testWorkload(suite: WorkloadSuite): void {
  describe(`workload ${suite.workload.name}`, () => testOwnNames(suite.workload));
  for (const more of [{}, ...(suite.cases ?? [])]) {
    const raw = { ...suite.required, ...more };
    describe(`workload ${suite.workload.name} ${JSON.stringify(raw)}`, () => {
      const options = v.parse(suite.workload.options, raw);
      const count = Math.min(SAMPLE, suite.length ?? SAMPLE);
      const take = (seed: number, wanted: number | undefined, limit = count) =>
        takeRequests(suite, options, { seed, wanted, limit });

      test("gives the same requests for the same seed", async () => {
        expect(await take(7, count)).toEqual(await take(7, count));
      });

      test("numbers requests from 0 without a gap and stops at the count", async () => {
        const specs = await take(1, count, count + 1);
        expect(specs.map((spec) => spec.index)).toEqual(Array.from({ length: count }, (_, i) => i));
      });

      test("has prompts as long as they say, and whole positive lengths", async () => {
        for (const spec of await take(2, count)) {
          expect(spec.isl).toBe(spec.prompt.reduce((sum, segment) => sum + segment.tokens, 0));
          for (const length of [spec.isl, spec.osl, ...spec.prompt.map((part) => part.tokens)]) {
            expect(Number.isSafeInteger(length) && length > 0).toBe(true);
          }
        }
      });

      test("names contents from 0, and answers of earlier requests only", async () => {
        for (const spec of await take(3, count)) {
          for (const segment of spec.prompt) expectKnownOrigin(segment, spec.index);
          if (spec.after !== undefined) expect(spec.after.request).toBeLessThan(spec.index);
        }
      });

      const { sharedTokens } = suite;
      if (sharedTokens) {
        test("shares between any two prompts what its options declare, and nothing beside", async () => {
          const specs = await take(5, count);
          for (const [i, a] of specs.entries()) {
            for (const b of specs.slice(i + 1)) {
              const between = `requests ${a.index} and ${b.index}`;
              const tokens = commonTokens(a.prompt, b.prompt);
              expect({ between, tokens }).toEqual({ between, tokens: sharedTokens(a, b, options) });
            }
          }
        });
      }

      test("yields the first requests of a load too large to build at once", async () => {
        expect(await take(4, suite.length === undefined ? HUGE : undefined)).toHaveLength(count);
        expect(await take(4, undefined)).toHaveLength(count);
      });
    });
  }
}

/** As far as leading segments name the same contents; one that is cut short shares its beginning. */
function commonTokens(a: readonly Segment[], b: readonly Segment[]): number {
  let tokens = 0;
  for (const [i, segment] of a.entries()) {
    const other = b[i];
    if (other === undefined || !isSameContent(segment, other)) break;
    tokens += Math.min(segment.tokens, other.tokens);
    if (segment.tokens !== other.tokens) break;
  }
  return tokens;
}

function isSameContent(a: Segment, b: Segment): boolean {
  if ("content" in a) return "content" in b && a.content === b.content;
  return "answerOf" in b && a.answerOf === b.answerOf;
}

function expectKnownOrigin(segment: Segment, index: number): void {
  if ("content" in segment) {
    expect(Number.isSafeInteger(segment.content) && segment.content >= 0).toBe(true);
  } else {
    expect(segment.answerOf).toBeLessThan(index);
  }
}

/** The first `limit` requests of a load of `wanted`. */
export async function takeRequests(
  suite: Pick<WorkloadSuite, "workload" | "rows">,
  options: unknown,
  { seed, wanted, limit }: { seed: number; wanted: number | undefined; limit: number },
): Promise<RequestSpec[]> {
  const taken: RequestSpec[] = [];
  const context = { rows: suite.rows, random: randomStream(seed, "workload"), count: wanted };
  for await (const spec of suite.workload.requests(options, context)) {
    taken.push(spec);
    if (taken.length === limit) break;
  }
  return taken;
}
