/**
 * Why a model server ended, from the lines of its log: a sentence, and the flag to change. Pure. Messages of
 * Python, PyTorch and the Hugging Face hub are the same for all engines; texts are those of PyTorch 2.13 and huggingface_hub 2.4.
 */
import type { Explanation } from "dynbench/engine";

export interface Reason {
  readonly seen: RegExp;
  readonly reason: (match: RegExpExecArray) => Explanation;
}

export interface EngineReasons {
  /** Its usual name. */
  readonly title: string;
  /** Its top module, as an import names it. */
  readonly module: string;
  /** What to do when a GPU has not enough memory. */
  readonly memoryHint: string;
  /** Reasons of this engine; they go before those of ports, models and GPUs. */
  readonly own: readonly Reason[];
}

/** Returns the first known reason in a log; causes stand before their consequences. */
export function explainer(
  engine: EngineReasons,
): (lines: readonly string[]) => Explanation | undefined {
  const reasons = [...ofPython(engine), ...engine.own, ...ofMachine(engine)];
  return (lines) => {
    // After a warning the server went on: for example one about kernels that this build lacks.
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
