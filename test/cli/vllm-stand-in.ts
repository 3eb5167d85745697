/**
 * Stands in for the Python that has vLLM: answers dynbench's questions about itself and serves the
 * API of a vLLM 0.31 that computes nothing. Run by a shell script that the test puts on PATH.
 *
 * `STAND_IN` selects its fault: `oom`, `no-package`, `broken-package`, `no-tokenizer` and
 * `gated` never start, `no-chat-template` and `old` start with less, `slow` loads for ever, `other-blocks` makes blocks of its own size, `sick` is healthy and answers nothing,
 * `mortal` dies of its tenth request, `plain` has no reset. `STAND_IN_GROUP` starts a process beside
 * it, as vLLM's engine.
 */
import { existsSync, writeFileSync } from "node:fs";

const [, , first, ...rest] = process.argv;
const mode = process.env.STAND_IN ?? "";
const FLAGS = [
  ...["--host", "--port", "--model", "--served-model-name", "--tensor-parallel-size"],
  ...["--enforce-eager", "--max-num-batched-tokens", "--max-model-len", "--block-size"],
  ...["--num-gpu-blocks-override", "--enable-prefix-caching", "--enable-prompt-tokens-details"],
  "--kv-events-config",
];

if (first === "-c") {
  const asked = JSON.parse(rest[1]!) as { distributions?: string[] } | string[];
  if (Array.isArray(asked)) {
    console.log(JSON.stringify(facts()));
    process.exit(0);
  }
  console.log("a warning of some import");
  // Questions about the model come first, answered as by a Python without packages.
  const isLast = mode === "no-package" && asked.distributions !== undefined;
  while (isLast && !existsSync("model-was-asked")) await Bun.sleep(10);
  console.log(JSON.stringify(asked.distributions ? installation() : model()));
} else {
  serve([first!, ...rest]);
}

/** Which packages it has. */
function facts(): object {
  const packages = mode === "no-package" ? {} : { vllm: "0.31.0" };
  return { path: "/usr/bin/python3", version: "3.11.2", scripts: "/usr/bin", packages };
}

function installation(): object {
  const versions = mode === "no-package" ? {} : { vllm: "0.31.0" };
  if (mode === "broken-package") {
    const failures = ["serve: ImportError: libcudart.so.13: cannot open shared object file"];
    return { python: "3.11.2", versions, program: null, flags: [], failures };
  }
  const flags = FLAGS.filter((flag) => mode !== "old" || flag !== "--enable-prompt-tokens-details");
  return { python: "3.11.2", versions, program: "serve", flags, failures: [] };
}

function model(): object {
  if (mode === "no-package") {
    process.on("exit", () => writeFileSync("model-was-asked", ""));
    return { failure: "ModuleNotFoundError", message: "No module named 'huggingface_hub'" };
  }
  if (mode === "gated") return { failure: "GatedRepoError", message: "401 Client Error" };
  const whole = {
    hasConfig: true,
    hasTokenizer: mode !== "no-tokenizer",
    hasChatTemplate: mode !== "no-chat-template",
    isHybrid: false,
  };
  return { path: "/models/tiny", quantization: null, ...whole };
}

function serve(args: readonly string[]): void {
  const value = (flag: string): string => args[args.indexOf(flag) + 1]!;
  const blockSize = Number(value("--block-size"));
  const cached = new Set<string>();
  let requests = 0;
  console.log("INFO loading weights");
  if (mode === "oom") {
    console.log("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");
    process.exit(1);
  }
  if (process.env.STAND_IN_GROUP) Bun.spawn(["sleep", "300"]);

  const complete = async (request: Request): Promise<Response> => {
    requests += 1;
    if (mode === "sick") {
      const message = "EngineCore encountered an issue. See stack trace (above).";
      return Response.json({ error: { message } }, { status: 500 });
    }
    if (mode === "mortal" && requests > 10) {
      console.log("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");
      process.exit(1);
    }
    if (request.headers.get("content-type") !== "application/json") {
      return new Response("Unsupported Media Type", { status: 400 });
    }
    const body = (await request.json()) as {
      prompt: number[];
      max_tokens: number;
      stream?: boolean;
    };
    const hit = blocksFound(body.prompt);
    const usage = {
      prompt_tokens: body.prompt.length,
      completion_tokens: body.max_tokens,
      prompt_tokens_details: { cached_tokens: hit * blockSize },
    };
    if (!body.stream) return Response.json({ choices: [{ text: "x" }], usage });
    const frames = Array.from({ length: body.max_tokens }, (_, i) => ({
      choices: [{ index: 0, text: "x", finish_reason: i + 1 < body.max_tokens ? null : "length" }],
    }));
    const text = [...frames, { choices: [], usage }].map((frame) => JSON.stringify(frame));
    const events = [...text, "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
    return new Response(events, { headers: { "content-type": "text/event-stream" } });
  };

  /** Number of leading blocks that earlier prompts stored, without the block of the last token. */
  const blocksFound = (prompt: readonly number[]): number => {
    const keys = Array.from({ length: Math.floor((prompt.length - 1) / blockSize) }, (_, i) =>
      prompt.slice(0, (i + 1) * blockSize).join(","),
    );
    const found = keys.findIndex((key) => !cached.has(key));
    for (const key of keys) cached.add(key);
    return found < 0 ? keys.length : found;
  };

  Bun.serve({
    hostname: value("--host"),
    port: Number(value("--port")),
    fetch: (request) => {
      switch (new URL(request.url).pathname) {
        case "/health":
          return new Response(null, { status: mode === "slow" ? 503 : 200 });
        case "/version":
          return Response.json({ version: "0.31.0" });
        case "/v1/models":
          return Response.json({
            data: [{ id: "tiny", max_model_len: Number(value("--max-model-len")) }],
          });
        case "/metrics":
          return new Response(
            `vllm:cache_config_info{block_size="${mode === "other-blocks" ? 16 : blockSize}",num_gpu_blocks="4096"} 1.0\n` +
              `vllm:requests_total{engine="0"} ${requests}\n`,
          );
        case "/reset_prefix_cache":
          if (mode === "plain") break;
          cached.clear();
          return Response.json({ success: true });
        case "/v1/completions":
          return complete(request);
      }
      return Response.json({ detail: "Not Found" }, { status: 404 });
    },
  });
}
