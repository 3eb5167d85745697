/**
 * The model, before any server starts: fetched once, examined, and refused where a server would find only
 * after minutes that it cannot serve it.
 */
import { DynbenchError, v } from "dynbench";
import { lastJson, launched, runForeign, type Gpu, type StartContext } from "dynbench/engine";
import { flagNames, flagValue } from "./flags.ts";
import type { ServerOptions } from "./server-options.ts";

/** 240 GB at 30 MB/s and some time to spare; over a slower line fetch the model by hand. */
const FETCH_LIMIT_MS = 4 * 3_600_000;
/** Compute capability below which vLLM 0.31 refuses MXFP4 (`mxfp4.py`, `get_min_capability`). */
const MXFP4_LEAST = 8;
/** Hopper; the guide asks for it, older ones compute in bf16 what they store in MXFP4. */
const MXFP4_NATIVE = 9;

const Facts = v.object({
  path: v.string(),
  quantization: v.nullable(v.string()),
  hasConfig: v.boolean(),
  hasTokenizer: v.boolean(),
  hasChatTemplate: v.boolean(),
  /** Kinds of layers that keep their context differently: sliding windows, state spaces. */
  isHybrid: v.boolean(),
});

export type ModelFacts = v.InferOutput<typeof Facts>;

const Failure = v.object({ failure: v.string(), message: v.string() });

/** Fetches the missing files and returns what the model has. Throws when it cannot be fetched. */
export async function fetchModel(
  options: ServerOptions,
  env: Readonly<Record<string, string>>,
  context: Pick<StartContext, "processes" | "signal" | "log" | "engineArgs">,
): Promise<ModelFacts> {
  const { engineArgs, processes, signal, log } = context;
  const format = flagValue(engineArgs, "--load-format") ?? "auto";
  const asked = JSON.stringify({
    model: options.modelPath,
    weights: ["auto", "safetensors", "pt", "hf"].includes(format),
    revision: flagValue(engineArgs, "--revision") ?? null,
    cache: flagValue(engineArgs, "--download-dir") ?? null,
  });
  const { code, lines } = await runForeign(processes, {
    name: "model",
    ...launched(options.launch, { command: [options.python, "-c", SCRIPT, asked], env }),
    signal,
    log,
    limitMs: FETCH_LIMIT_MS,
  });
  const answer = lastJson(lines);
  const facts = v.safeParse(Facts, answer);
  if (facts.success) return facts.output;
  const failed = v.safeParse(Failure, answer);
  if (failed.success) throw fetchFault(options.modelPath, failed.output);
  throw new DynbenchError(
    "start",
    `Cannot look into the model "${options.modelPath}": exit code ${code}`,
    {
      hint: lines.slice(-3).join("\n") || "It printed nothing",
    },
  );
}

/** What a failure of the hub's client means. Names are huggingface_hub's exceptions. */
export function fetchFault(
  model: string,
  { failure, message }: { failure: string; message: string },
): DynbenchError {
  const fault = (state: string, hint: string): DynbenchError =>
    new DynbenchError("start", `Cannot fetch the model "${model}": ${state}`, {
      hint,
      cause: failure,
    });
  switch (failure) {
    case "GatedRepoError":
      return fault(
        "it is gated, and no token that may read it was given",
        `Ask for access on its page, then set HF_TOKEN in the environment of dynbench`,
      );
    case "RepositoryNotFoundError":
      return fault(
        "the hub has no such model, or it is private",
        "Check --model-path; a private model needs HF_TOKEN in the environment of dynbench",
      );
    case "LocalEntryNotFoundError":
    case "OfflineModeIsEnabled":
    case "ConnectError":
    case "ConnectionError":
      return fault(
        "it is not in the cache, and the hub cannot be reached",
        "Check the network, or give a model folder: --model-path DIR",
      );
    case "NoSuchFolder":
      return fault("there is no such folder", "Check --model-path");
    case "ModuleNotFoundError":
      return fault(message, "Install the engine in that Python, or name another: --python PATH");
    default:
      return fault(`${failure}: ${message.slice(0, 300)}`, "Fetch it by hand, and give the folder");
  }
}

/**
 * The model, or the engine's fault where there is one: a Python without the engine lacks what fetches
 * models too, and that is found sooner.
 */
export async function modelBesideEngine(
  model: Promise<ModelFacts>,
  engine: Promise<unknown>,
): Promise<ModelFacts> {
  try {
    return await model;
  } catch (error) {
    if (error instanceof DynbenchError && error.cause === "ModuleNotFoundError") await engine;
    throw error;
  }
}

/** Why vLLM cannot serve the model, and what the user should know before the start. Pure. */
export function modelFaults(
  model: Pick<ServerOptions, "modelPath">,
  facts: ModelFacts,
  at: { readonly gpus: readonly Gpu[]; readonly engineArgs: readonly string[] },
): { fault: DynbenchError | undefined; notes: string[] } {
  const given = flagNames(at.engineArgs);
  const fault = (state: string, hint: string): DynbenchError =>
    new DynbenchError("start", `Cannot serve "${model.modelPath}": ${state}`, { hint });
  if (!facts.hasConfig) {
    return {
      fault: fault("its folder has no config.json", "Give a model folder in the Hugging Face form"),
      notes: [],
    };
  }
  if (!facts.hasTokenizer && !given.has("--tokenizer") && !given.has("--skip-tokenizer-init")) {
    const hint =
      "Copy tokenizer.json and tokenizer_config.json into it, or name another: -- --tokenizer PATH";
    return { fault: fault("its folder has no tokenizer", hint), notes: [] };
  }
  const notes: string[] = [];
  if (!facts.hasChatTemplate && !given.has("--chat-template")) {
    notes.push("The model has no chat template: prompts travel as token ids or text, not as chat");
  }
  if (facts.isHybrid) {
    notes.push(
      "The model keeps the context of its layers differently: only KV events of whole contexts count; should preflight miss them, use --router kv-approx",
    );
  }
  const weakest = at.gpus.find((gpu) => (gpu.computeCapability ?? MXFP4_NATIVE) < MXFP4_NATIVE);
  if (facts.quantization === "mxfp4" && weakest !== undefined) {
    const { id, name, computeCapability } = weakest;
    const has = `GPU ${id} (${name}) has ${computeCapability!.toFixed(1)}`;
    if (computeCapability! < MXFP4_LEAST) {
      const hint = "Use an H100 or newer, or a model that is quantized otherwise";
      return { fault: fault(`MXFP4 needs compute capability 8.0, and ${has}`, hint), notes };
    }
    notes.push(
      `MXFP4 is native from compute capability 9.0 on, and ${has}: steps are slower there`,
    );
  }
  return { fault: undefined, notes };
}

/** Small files first: a gated model, or one without a tokenizer, is refused before gigabytes are fetched. */
const SCRIPT = `
import glob, json, os, sys
asked = json.loads(sys.argv[1])
model = os.path.expanduser(asked["model"])
def fetch(patterns):
    from huggingface_hub import snapshot_download
    return snapshot_download(asked["model"], revision=asked["revision"], cache_dir=asked["cache"],
        allow_patterns=patterns, ignore_patterns=["original/*", "metal/*"])
try:
    path = model
    if not os.path.isdir(model):
        if asked["model"][0] in "/.~":
            print(json.dumps({"failure": "NoSuchFolder", "message": model}))
            sys.exit(1)
        path = fetch(["*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "*.py"])
        if asked["weights"]:
            fetch(["*.safetensors"])
            if not glob.glob(os.path.join(path, "*.safetensors")):
                fetch(["*.bin", "*.pt"])
except Exception as error:
    print("\\n" + json.dumps({"failure": type(error).__name__, "message": str(error)}))
    sys.exit(1)
def load(name):
    try:
        with open(os.path.join(path, name)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}
def has(*names):
    return any(glob.glob(os.path.join(path, name)) for name in names)
config = load("config.json")
text = config.get("text_config") or config
kinds = set(text.get("layer_types") or []) | set(text.get("layers_block_type") or [])
print("\\n" + json.dumps({
    "path": path,
    "quantization": (config.get("quantization_config") or {}).get("quant_method"),
    "hasConfig": has("config.json", "params.json"),
    "hasTokenizer": has("tokenizer.json", "tokenizer.model*", "*.tiktoken", "vocab.json", "tekken.json"),
    "hasChatTemplate": "chat_template" in load("tokenizer_config.json") or has("chat_template.*", "tekken.json"),
    "isHybrid": len(kinds) > 1 or any("mamba" in str(kind) for kind in kinds),
}))
`.trim();
