/** Documented flags and log lines of programs that cannot run here. */

export const OOM_LINE = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.";

export const DOCUMENTED = {
  /** SGLang 0.5, `docs/advanced_features/server_arguments.md`: those of use here. */
  sglang: {
    version: "0.5.9",
    program: "launch_server",
    flags: [
      ...["--model-path", "--model", "--tokenizer-path", "--load-format", "--context-length"],
      ...["--host", "--port", "--nccl-port", "--dtype", "--kv-cache-dtype", "--quantization"],
      ...["--mem-fraction-static", "--max-running-requests", "--max-total-tokens"],
      ...["--chunked-prefill-size", "--max-prefill-tokens", "--schedule-policy", "--page-size"],
      ...["--tensor-parallel-size", "--tp-size", "--base-gpu-id", "--enable-metrics"],
      ...["--kv-events-config", "--served-model-name", "--enable-cache-report"],
      ...["--data-parallel-size", "--dp-size", "--disable-cuda-graph", "--disaggregation-mode"],
      ...["--disaggregation-transfer-backend", "--disaggregation-bootstrap-port"],
    ],
  },
  /** TensorRT-LLM 1.2, options of `serve` in `tensorrt_llm/commands/serve.py`. */
  "tensorrt-llm": {
    version: "1.2.0",
    program: "trtllm-serve",
    flags: [
      ...["--tokenizer", "--custom_tokenizer", "--host", "--port", "--backend", "--log_level"],
      ...["--max_beam_width", "--max_batch_size", "--max_num_tokens", "--max_seq_len"],
      ...["--tensor_parallel_size", "--tp_size", "--pipeline_parallel_size", "--pp_size"],
      ...["--moe_expert_parallel_size", "--ep_size", "--gpus_per_node"],
      ...["--free_gpu_memory_fraction", "--kv_cache_free_gpu_memory_fraction"],
      ...["--num_postprocess_workers", "--trust_remote_code", "--revision", "--config"],
      ...["--extra_llm_api_options", "--reasoning_parser", "--tool_parser", "--server_role"],
      ...["--enable_chunked_prefill", "--media_io_kwargs", "--chat_template"],
    ],
  },
} as const;

/** Dynamo 1.6.1: `dynamo/trtllm/backend_args.py` and `dynamo/trtllm/args.py`. */
export const DYNAMO_TRTLLM_FLAGS = [
  ...["--model-path", "--model", "--served-model-name", "--tensor-parallel-size"],
  ...["--pipeline-parallel-size", "--expert-parallel-size", "--kv-block-size", "--gpus-per-node"],
  ...["--max-batch-size", "--max-num-tokens", "--max-seq-len", "--max-beam-width"],
  ...["--free-gpu-memory-fraction", "--extra-engine-args", "--override-engine-args"],
  ...["--publish-kv-events", "--publish-metrics", "--publish-events-and-metrics"],
  ...["--disaggregation-mode", "--load-format", "--revision", "--skip-warmup"],
];
