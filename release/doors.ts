/** The modules that a plugin may import, from the `exports` of `package.json`. */
import manifest from "../package.json" with { type: "json" };

interface Door {
  /** As it is imported: `dynbench/engine`. */
  readonly name: string;
  /** Its key in the `exports` of a manifest: `./engine`. */
  readonly key: string;
  /** Its source, from the root of the checkout. */
  readonly source: string;
  /** The file that declares it in the folder of types. */
  readonly types: string;
}

export const DOORS: readonly Door[] = Object.entries(manifest.exports).map(([key, path]) => ({
  name: `dynbench${key.slice(1)}`,
  key,
  source: path.slice("./".length),
  types: key === "." ? "index.d.ts" : `${key.slice("./".length)}.d.ts`,
}));
