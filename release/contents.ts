/** What is inside a binary: npm packages, Bun, and what Bun links; each with its licence. */

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression of its package.json. */
  readonly licence: string;
  /** Text of its licence file, where it brings one. */
  readonly text?: string;
  /** `sha512-…` of its tarball, from package-lock.json. */
  readonly integrity?: string;
}

/** A library in Bun, as Bun's own licence page names it: `LGPL v2.1` is not an SPDX expression. */
export interface BunPart {
  readonly name: string;
  readonly licence: string;
  readonly url?: string;
}

export interface Contents {
  readonly version: string;
  readonly commit: string;
  /** Seconds since 1970 of the commit. */
  readonly epoch: number;
  readonly ownLicence: string;
  readonly packages: readonly NpmPackage[];
  readonly bun: { readonly version: string; readonly page: string };
}

/** Folders of packages among the inputs of a bundle: `node_modules/@grpc/grpc-js`. Sorted, each once. */
export function packageFolders(inputs: readonly string[]): readonly string[] {
  const folders = inputs
    .map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0])
    .filter((folder) => folder !== undefined);
  return [...new Set(folders)].toSorted();
}

/**
 * What Bun links, from the tables of its licence page (`bun-types/docs/project/license.mdx`, which
 * is of the same version as the Bun inside). JavaScriptCore is named in its text, not in a table.
 */
export function bunParts(page: string): readonly BunPart[] {
  const rows = [...page.matchAll(/^\|([^|\n]+)\|([^|\n]+)\|$/gm)]
    .map((row) => [row[1]!.trim(), row[2]!.trim()] as const)
    .filter(([name]) => name.includes("["));
  if (rows.length < 20 || !page.includes("statically links JavaScriptCore")) {
    throw new Error("Bun's licence page has another form than this program reads");
  }
  return [
    { name: "JavaScriptCore", licence: "LGPL-2", url: "https://github.com/oven-sh/webkit" },
    ...rows.map(([name, licence]) => {
      const url = /\]\(([^)]+)\)/.exec(name)?.[1];
      return {
        name: plain(name),
        licence: plain(licence),
        ...(url === undefined ? {} : { url }),
      };
    }),
  ];
}

/** Markdown's links and code marks taken off. */
function plain(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}
