/** Version of this program from package.json, its commit, its Bun and its target. */
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;

/** Set by the build; undefined if the program runs from source. */
declare const DYNBENCH_BUILD: Build | undefined;

interface Build {
  /** Full hash; null for a source without its git history. */
  readonly commit: string | null;
  /** Date of the commit, `2026-11-24`; null like the commit. */
  readonly date: string | null;
  /** Whether tracked files differed from the commit. */
  readonly isModified: boolean;
}

const NO_BUILD: Build = { commit: null, date: null, isModified: false };

/** `dynbench --version --json`, as it is printed. */
export interface VersionFacts {
  readonly name: "dynbench";
  readonly version: string;
  readonly commit: string | null;
  readonly date: string | null;
  readonly modified: boolean;
  readonly bun: string;
  readonly bunRevision: string;
  /** Target of the embedded runtime: `linux-x64`, `linux-arm64-musl`, `darwin-arm64`. */
  readonly target: string;
}

export function versionFacts(): VersionFacts {
  const build = typeof DYNBENCH_BUILD === "undefined" ? NO_BUILD : DYNBENCH_BUILD;
  return {
    name: "dynbench",
    version: VERSION,
    commit: build.commit,
    date: build.date,
    modified: build.isModified,
    bun: Bun.version,
    bunRevision: Bun.revision,
    target: targetOf(process.release.sourceUrl),
  };
}

/** URL of Bun's own build, `…/bun-linux-aarch64-musl.zip` → `linux-arm64-musl`. */
export function targetOf(sourceUrl: string | undefined): string {
  const name = /\/bun-([a-z0-9-]+)\.zip$/.exec(sourceUrl ?? "")?.[1];
  return name?.replace("aarch64", "arm64") ?? `${process.platform}-${process.arch}`;
}
