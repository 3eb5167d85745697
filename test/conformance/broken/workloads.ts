/** Workloads that each break one rule. `broken.test.ts` checks which test finds it. */
import {
  defineWorkload,
  v,
  type OptionsSchema,
  type RandomStream,
  type RequestSpec,
} from "dynbench";
import { testWorkload } from "../workload.ts";

/** Half of each prompt is shared within one of two groups. */
const whole = (index: number, random: RandomStream): RequestSpec => {
  const group = random.int(2);
  const shared = { content: group, tokens: 50 };
  const prompt = [shared, { content: 10 + index, tokens: 50 }];
  return { index, prompt, isl: 100, osl: 5, group };
};

function test(
  name: string,
  change: (spec: RequestSpec, index: number, random: RandomStream) => RequestSpec,
  before: (count: number) => void = () => {},
  options: OptionsSchema = v.strictObject({}),
): void {
  testWorkload({
    workload: defineWorkload({
      name,
      summary: "x",
      options,
      load: { arrival: "closed" },
      *requests(_options, { random, count = 1e9 }) {
        before(count);
        for (let index = 0; index < count; index += 1) {
          yield change(whole(index, random), index, random);
        }
      },
    }),
    sharedTokens: (a, b) => (a.group === b.group ? 50 : 0),
  });
}

test("whole", (spec) => spec);
test("draws-by-itself", (spec) => ({ ...spec, osl: 1 + Math.floor(Math.random() * 1e6) }));
test("miscounts", (spec) => ({ ...spec, isl: spec.isl - 1 }));
test("counts-from-one", (spec, index) => ({ ...spec, index: index + 1 }));
test("has-half-tokens", (spec) => ({ ...spec, osl: 2.5 }));
test("takes-reserved-contents", (spec, index) => ({
  ...spec,
  prompt: [spec.prompt[0]!, { content: -1 - index, tokens: 50 }],
}));
test("waits-for-the-future", (spec, index) => ({
  ...spec,
  after: { request: index + 1, thinkMs: 0 },
}));
test("shares-more-than-it-says", (spec) => ({
  ...spec,
  prompt: [spec.prompt[0]!, { content: 7, tokens: 50 }],
}));
test("shares-less-than-it-says", (spec, index) => ({
  ...spec,
  prompt: [{ content: 1e6 + index, tokens: 50 }, spec.prompt[1]!],
}));
test(
  "builds-all-first",
  (spec) => spec,
  (count) => {
    if (count > 1e6) throw new Error("out of memory");
  },
);
test(
  "takes-a-name-of-the-run",
  (spec) => spec,
  () => {},
  v.strictObject({ warmup: v.optional(v.boolean(), false) }),
);
