/** Manifests of the npm packages: the program, and a binary for each target. */
import { given } from "../core/base/given.ts";
import { DOORS } from "./doors.ts";
import type { Target } from "./targets.ts";

interface Facts {
  readonly version: string;
  readonly description: string;
}

/** `dynbench-linux-x64-musl`: a binary alone; `os`, `cpu` and `libc` limit where npm installs it. */
export function binaryManifest({ name, npm }: Target, { version }: Facts): object {
  return {
    name: `dynbench-${name}`,
    version,
    description: `The binary of dynbench for ${name}`,
    license: "Apache-2.0",
    os: [npm.os],
    cpu: [npm.cpu],
    ...given({ libc: npm.libc && [npm.libc] }),
    files: ["dynbench", "LICENSES.txt"],
  };
}

/**
 * `dynbench`: the launcher, the types of the plugin contract for editors, and a module whose error
 * message explains where plugins run. The binaries are optional because npm installs only the one that fits.
 */
export function programManifest(targets: readonly Target[], facts: Facts): object {
  const { version, description } = facts;
  return {
    name: "dynbench",
    version,
    description,
    license: "Apache-2.0",
    keywords: ["llm", "benchmark", "router", "inference", "kv-cache"],
    bin: { dynbench: "./launcher.js" },
    types: "./types/index.d.ts",
    exports: Object.fromEntries(
      DOORS.map(({ key, types }) => [key, { types: `./types/${types}`, default: "./host.js" }]),
    ),
    engines: { node: ">=18" },
    files: ["launcher.js", "host.js", "types"],
    optionalDependencies: Object.fromEntries(
      targets.map(({ name }) => [`dynbench-${name}`, version]),
    ),
  };
}
