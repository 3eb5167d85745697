/** Metrics as vLLM 0.32 and others write them. */
import { expect, test } from "bun:test";
import { readPrometheus } from "../../../../core/run/sampling/prometheus.ts";

const TEXT = `# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 4.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="a,b"} 1e+03
vllm:request_success_created{engine="0",finished_reason="stop",model_name="a"} 1.7e+09
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="a"} 5
vllm:time_to_first_token_seconds_sum{engine="0",model_name="a"} 0.25
vllm:cache_config_info{block_size="64"} 1.0
process_cpu_seconds_total 12
odd_value NaN
escaped{path="a\\"b}"} 2 1700000000
`;

test("values are read by name and distinctive labels; ranks are summed; buckets and the process are left out", () => {
  expect([...readPrometheus(TEXT)]).toEqual([
    ["vllm:num_requests_running", 7],
    ['vllm:request_success_total{finished_reason="stop"}', 1000],
    ["vllm:time_to_first_token_seconds_sum", 0.25],
    ['escaped{path="a\\"b}"}', 2],
  ]);
});

test("text cut at any byte never throws, and other text has no metrics", () => {
  for (let end = 0; end <= TEXT.length; end += 1) readPrometheus(TEXT.slice(0, end));
  expect(readPrometheus('{"a": 1}\n<html>').size).toBe(0);
});

test("a server with endless series is read up to a limit", () => {
  const many = Array.from({ length: 5000 }, (_, i) => `series_${i} ${i}`).join("\n");
  expect(readPrometheus(many).size).toBe(1000);
});
