import { expect, test } from "bun:test";
import { factsOfMachine, watchCpu } from "../../../../core/run/sampling/machine.ts";
import { until } from "../../../cli/binary.ts";

test("facts describe the machine without identifying its owner", () => {
  const facts = factsOfMachine();
  expect(facts).toMatchObject({ cores: expect.any(Number), bun: Bun.version });
  expect(JSON.stringify(facts)).not.toContain(process.env.HOME ?? "/home");
});

test("the busy share of the cores is known once enough ticks have passed, and is within 0 to 1", async () => {
  const share = watchCpu();
  expect(await until(() => share() !== undefined, 10_000)).toBe(true);
  expect(share()).toBeGreaterThanOrEqual(0);
  expect(share()).toBeLessThanOrEqual(1);
});
