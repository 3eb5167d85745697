/** What a release is built for. */

export interface Target {
  /** As in the names of files and packages, and in `dynbench --version --json`. */
  readonly name: string;
  readonly bun: Bun.Build.CompileTarget;
  /** What npm chooses a package by. */
  readonly npm: { readonly os: string; readonly cpu: string; readonly libc?: "glibc" | "musl" };
}

/**
 * Windows is not among them. Bun makes such a binary, but process groups, `/proc` and signals, on
 * which a run relies to leave nothing behind, have no counterpart there that was tried.
 */
export const TARGETS: readonly Target[] = [
  linux("x64"),
  linux("arm64"),
  linux("x64", "musl"),
  linux("arm64", "musl"),
  { name: "darwin-x64", bun: "bun-darwin-x64", npm: { os: "darwin", cpu: "x64" } },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", npm: { os: "darwin", cpu: "arm64" } },
];

function linux(cpu: "x64" | "arm64", libc: "glibc" | "musl" = "glibc"): Target {
  const name = libc === "musl" ? (`linux-${cpu}-musl` as const) : (`linux-${cpu}` as const);
  return { name, bun: `bun-${name}`, npm: { os: "linux", cpu, libc } };
}

/** The targets that a comma list names, in the release's order; all where nothing is named. */
export function chosenTargets(list: string | undefined): readonly Target[] {
  if (list === undefined) return TARGETS;
  const names = list.split(",");
  const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
  if (unknown.length > 0) {
    const known = TARGETS.map(({ name }) => name).join(", ");
    throw new Error(`There is no target ${unknown.join(", ")}. Targets: ${known}`);
  }
  return TARGETS.filter(({ name }) => names.includes(name));
}
