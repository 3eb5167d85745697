/** The worker of each registration, from the worker's metrics as Dynamo 1.6.1 writes them. */
import { expect, test } from "bun:test";
import { instanceIn } from "../../../../plugins/shared/dynamo/worker-processes.ts";

const METRICS = `# TYPE dynamo_component_inflight_requests gauge
dynamo_component_inflight_requests{dynamo_component="backend",dynamo_endpoint="generate",dynamo_namespace="exp",model="tiny",model_name="tiny",worker_id="9656c8d341f02c5e"} 0
dynamo_component_kv_publisher_engines_dropped_events_total{dynamo_component="backend",dynamo_namespace="exp",worker_id="9656c8d341f02c5e"} 0
`;

test("a worker's id is hex in its metrics and decimal everywhere else", () => {
  expect(instanceIn(METRICS)).toBe("10833066763356220510"); // as its registration had it
  expect(instanceIn(METRICS.replaceAll("9656c8d341f02c5e", "ffffffffffffffff"))).toBe(
    "18446744073709551615",
  );
});

test("metrics without an id, or cut anywhere, give no id or the whole one", () => {
  const whole = instanceIn(METRICS);
  expect(instanceIn("")).toBeUndefined();
  for (let end = 0; end <= METRICS.length; end += 1) {
    expect([undefined, whole]).toContain(instanceIn(METRICS.slice(0, end)));
  }
});
