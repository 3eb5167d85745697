"""Runs Dynamo's offline replay as the JSON object on stdin says; writes one JSON line a run.

Its log goes to stderr: with DYN_LOGGING_JSONL=1 it has a line for each pick of the KV router.
"""

import json
import sys

from dynamo.replay import run_trace_replay

FIGURES = {
    "ttftMs": "mean_ttft_ms",
    "itlMs": "mean_itl_ms",
    "tpotMs": "mean_tpot_ms",
    "e2eMs": "mean_e2e_latency_ms",
    "outputTps": "output_throughput_tok_s",
    "cachedShare": "first_admission_prefix_cache_reused_ratio",
}


def request(row):
    return {
        "id": row["uuid"],
        "session": row["session_id"],
        "worker": row["decode_worker_idx"],
        "firstMs": row["first_token_ms"],
        "lastMs": row["last_token_ms"],
        "cachedTokens": row["admission_history"][0]["reused_input_tokens"],
    }


task = json.load(sys.stdin)
for _ in range(task["runs"]):
    report = run_trace_replay(
        task["trace"],
        num_workers=task["workers"],
        router_mode=task["router"],
        replay_concurrency=task.get("concurrency"),
        arrival_speedup_ratio=task.get("arrivalSpeedup", 1),
        trace_block_size=task["traceBlockSize"],
        extra_engine_args={"engine": task["engine"]} if "engine" in task else None,
        capture_per_request=task["capture"],
    )
    line = {
        "wallMs": report.summary["wall_time_ms"],
        "figures": {name: report.summary[key] for name, key in FIGURES.items()},
    }
    if task["capture"]:
        line["requests"] = [request(row) for row in report.per_request]
    print(json.dumps(line), flush=True)
