/**
 * A request lives the same life on the gateway and in the simulator: a thousand scripts of arrivals,
 * deaths, refusals, hand-offs and clients that leave are played on both, through stand-ins for what is
 * below them, and each request must go through the same steps to the same answer.
 *
 * `DYNBENCH_SEED=17 bun test test/simulation/one-life.test.ts` replays one script.
 */
import { describe, expect, test } from "bun:test";
import { liveOnGateway } from "./lives/on-gateway.ts";
import { liveOnSimulator } from "./lives/on-simulator.ts";
import { scriptOf, type Log } from "./lives/script.ts";

const only = process.env.DYNBENCH_SEED;
const hundreds = only === undefined ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] : [Number(only) / 100];
describe("one script gives every request the same life on both hosts", () => {
  test.each(hundreds)("hundred %d", (hundred) => {
    const first = Math.round(hundred * 100);
    const seeds = only === undefined ? Array.from({ length: 100 }, (_, i) => first + i) : [first];
    for (const seed of seeds) {
      const script = scriptOf(seed);
      const lives = liveOnGateway(script).lives;
      const virtual = liveOnSimulator(script).lives;
      const replay = `DYNBENCH_SEED=${seed} bun test test/simulation/one-life.test.ts`;
      expect([replay, ...virtual]).toEqual([replay, ...lives]);
    }
  });
});

test.skipIf(only !== undefined)("the scripts go every way through a life", () => {
  const ways = new Map<string, number>();
  for (let seed = 0; seed < 1000; seed += 1) {
    for (const life of liveOnGateway(scriptOf(seed)).lives) count(life, ways);
  }
  const wanted = ["whole", "left", "broke off", "400", "500", "502", "503", ...Object.keys(STEPS)];
  expect(wanted.filter((way) => (ways.get(way) ?? 0) < 40)).toEqual([]);
});

const STEPS = {
  "KV released": /released at/,
  "prefill retried": /booked prefill((?!first token).)*booked prefill/,
  "decode retried": /booked decode.*booked prefill.*booked decode/,
  "prefill cancelled": /cancelled at \d+, ended prefill/,
  "decode cancelled": /cancelled at \d+, .*ended decode/,
};

/** Adds one to each way that the life went. */
function count(life: Log["lives"][number], ways: Map<string, number>): void {
  const seen = Object.entries(STEPS).flatMap(([way, steps]) => (steps.test(life) ? [way] : []));
  for (const way of [/^[^:,]*/.exec(life)![0], ...seen]) ways.set(way, (ways.get(way) ?? 0) + 1);
}
