/**
 * Why a model server ended, read in its last log lines: from the line to a sentence and the flag to
 * change. Pure. What Python, PyTorch and the Hugging Face hub say is the same for all engines; texts
 * are those of PyTorch 2.13 and huggingface_hub 2.4.
 */
import type { Explanation } from "dynbench/engine";

export interface Reason {
  readonly seen: RegExp;
  readonly reason: (match: RegExpExecArray) => Explanation;
}

export interface EngineReasons {
  /** As people call it. */
  readonly title: string;
  /** Its top module, as an import names it. */
  readonly module: string;
  /** What to do when a GPU has not enough memory. */
  readonly memoryHint: string;
  /** Before what ports, models and GPUs say. */
  readonly own: readonly Reason[];
  /** What only says that something was wrong. */
  readonly last: readonly Reason[];
}

/** A reader of logs that tells the reason it knows; the first that fits counts, so causes come before what they lead to. */
export function explainer(
  engine: EngineReasons,
): (lines: readonly string[]) => Explanation | undefined {
  const reasons = [...ofPython(engine), ...engine.own, ...ofMachine(engine), ...engine.last];
  return (lines) => {
    // A warning is what it went on after: of kernels, say, that this build does without.
    const text = lines.filter((line) => !/ WARNING /.test(line)).join("\n");
    for (const { seen, reason } of reasons) {
      const match = seen.exec(text);
      if (match) return reason(match);
    }
    return undefined;
  };
}

function ofPython({ title, module, memoryHint }: EngineReasons): Reason[] {
  return [
    {
      seen: new RegExp(`No module named '?(${module}[\\w.]*)'?`),
      reason: ([, missing]) => ({
        what: `this Python has no ${missing}`,
        hint: `Name the Python that has ${title}: --python PATH`,
      }),
    },
    {
      seen: /PackageNotFoundError: No package metadata was found for (\S+)/,
      reason: ([, name]) => ({
        what: `the installation lacks the metadata of "${name}"`,
        hint: `Install ${title} again in that Python`,
      }),
    },
    {
      seen: /error: unrecognized arguments: (.*)/,
      reason: ([, flags]) => ({
        what: `this ${title} does not know ${flags}`,
        hint: "Mend what is given after --",
      }),
    },
    {
      seen: /error: (argument \S+: .*)/,
      reason: ([, what]) => ({ what: what!, hint: "Mend what is given after --" }),
    },
    {
      seen: /(CUDA out of memory|torch\.OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED)/,
      reason: () => ({
        what: "CUDA out of memory",
        hint: memoryHint,
      }),
    },
  ];
}

function ofMachine({ title }: EngineReasons): Reason[] {
  return [
    {
      seen: /address already in use/i,
      reason: () => ({
        what: "another program has its port",
        hint: "End it, or choose others: --first-port",
      }),
    },
    {
      seen: /Cannot access gated repo|is restricted and you are not in the authorized list|GatedRepoError/,
      reason: () => ({
        what: "the model is gated",
        hint: "Ask for access on its page, and set HF_TOKEN in the environment of dynbench",
      }),
    },
    {
      seen: /Couldn't instantiate the backend tokenizer|Can't load tokenizer for '([^']*)'/,
      reason: () => ({
        what: "the model folder has no tokenizer",
        hint: "Copy tokenizer.json and tokenizer_config.json into it, or name another: -- --tokenizer PATH",
      }),
    },
    {
      seen: /LocalEntryNotFoundError|We couldn't connect to '(https?:[^']*)'|OfflineModeIsEnabled/,
      reason: () => ({
        what: "the model is not here, and the hub cannot be reached",
        hint: "Check the network, or give a model folder: --model-path DIR",
      }),
    },
    {
      seen: /(?:Can't load the configuration of|is not a local folder and is not a valid model identifier|Repository Not Found)[^\n]*/,
      reason: () => ({
        what: "there is no such model, in a folder or on the hub",
        hint: "Check --model-path; a private model needs HF_TOKEN in the environment of dynbench",
      }),
    },
    {
      seen: /Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver/,
      reason: () => ({
        what: `${title} finds no GPU`,
        hint: "Check nvidia-smi and CUDA_VISIBLE_DEVICES; without a GPU a CPU build is needed",
      }),
    },
  ];
}
