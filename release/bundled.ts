/**
 * `npm run bundled`: writes the lists of what is bundled, from the listing of `plugins/`.
 *
 * Each `NAME.ts` of a kind's folder is a plugin or a trace format, and so is each `NAME/NAME.ts`. The
 * module exports it under its name in camelCase: `kv-approx.ts` exports `kvApprox`. What a plugin
 * needs besides lies in its own folder or in `plugins/shared/`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const PLUGINS = join(import.meta.dir, "../plugins");

/**
 * The order in help, in lists and in messages; reporters write in it, and the first trace format that
 * recognizes a file reads it. `*` stands for every other name, by alphabet.
 */
const ORDER = {
  engines: ["mocker", "vllm", "sglang", "trtllm", "*", "attach"],
  routers: [
    ...["kv", "kv-approx", "lmetric", "conductor", "llm-d", "aibrix", "preble", "cache-aware"],
    ...["production-stack", "prefix-hash", "sticky", "least-loaded", "power-of-two"],
    ...["round-robin", "random", "direct", "dynamo", "smg", "sglang-router", "vllm-router"],
    ...["nginx", "haproxy", "*", "attach"],
  ],
  workloads: ["prefix", "prefix-tree", "mooncake", "sessions", "*"],
  // The console's table comes last on the screen, after the files that it names are written.
  reporters: ["json", "markdown", "guide", "html", "*", "console"],
  // The last two recognize by the least: any line with "prompt", any list.
  "trace-formats": [
    "dynamo",
    "bailian",
    "mooncake",
    "weka",
    "burstgpt",
    "azure",
    "*",
    "openai",
    "sharegpt",
  ],
} as const;

type Folder = keyof typeof ORDER;

interface Bundled {
  /** As it is imported where the list is. */
  readonly name: string;
  readonly line: string;
}

/** The generated modules: their paths below `plugins/`, and their texts. */
export function bundledModules(): Record<string, string> {
  const plugins = (["engines", "routers", "workloads", "reporters"] as const).flatMap((folder) =>
    bundledIn(folder, { module: "bundled.ts", suffix: kindOf(folder) }),
  );
  const formats = bundledIn("trace-formats", {
    module: "shared/traces/trace-formats.ts",
    suffix: "",
  });
  return {
    "bundled.ts": listModule({
      title: "The plugins that come with the program.",
      type: { name: "AnyPlugin", from: "dynbench" },
      list: "BUNDLED",
      bundled: plugins,
    }),
    "shared/traces/trace-formats.ts": listModule({
      title: "The formats of trace files. The first that recognizes a file is taken.",
      type: { name: "TraceFormat", from: "dynbench/trace" },
      list: "TRACE_FORMATS",
      bundled: formats,
    }),
  };
}

function listModule(of: {
  title: string;
  type: { name: string; from: string };
  list: string;
  bundled: readonly Bundled[];
}): string {
  return [
    `/** ${of.title} Written by \`npm run bundled\`; do not edit. */`,
    ...of.bundled.map(({ line }) => line),
    `import type { ${of.type.name} } from "${of.type.from}";`,
    "",
    `export const ${of.list}: readonly ${of.type.name}[] = [`,
    ...of.bundled.map(({ name }) => `  ${name},`),
    "];",
    "",
  ].join("\n");
}

/** `Engine` of `engines`: the same name may stand in several folders. */
function kindOf(folder: Folder): string {
  return `${folder[0]!.toUpperCase()}${folder.slice(1, -1)}`;
}

function bundledIn(folder: Folder, to: { module: string; suffix: string }): Bundled[] {
  const paths = pathsIn(folder);
  return inOrder([...paths.keys()], ORDER[folder], folder).map((name) => {
    const path = paths.get(name)!;
    const exported = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (!readFileSync(join(PLUGINS, path), "utf8").includes(`export const ${exported}`)) {
      throw new Error(`plugins/${path} must export ${exported}: it is named after its file`);
    }
    const alias = `${exported}${to.suffix}`;
    const what = alias === exported ? exported : `${exported} as ${alias}`;
    const from = relative(dirname(to.module), path);
    return {
      name: alias,
      line: `import { ${what} } from "${from.startsWith(".") ? from : `./${from}`}";`,
    };
  });
}

/** Names in the folder, and the path of each below `plugins/`. */
function pathsIn(folder: Folder): Map<string, string> {
  return new Map(
    readdirSync(join(PLUGINS, folder), { withFileTypes: true }).map((entry): [string, string] =>
      entry.isDirectory()
        ? [entry.name, `${folder}/${entry.name}/${entry.name}.ts`]
        : [entry.name.replace(/\.ts$/, ""), `${folder}/${entry.name}`],
    ),
  );
}

function inOrder(names: readonly string[], order: readonly string[], folder: string): string[] {
  const gone = order.filter((name) => name !== "*" && !names.includes(name));
  if (gone.length > 0) {
    throw new Error(`release/bundled.ts orders what plugins/${folder} has not: ${gone.join(", ")}`);
  }
  const others = names.filter((name) => !order.includes(name)).toSorted();
  return order.flatMap((name) => (name === "*" ? others : [name]));
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(bundledModules())) {
    writeFileSync(join(PLUGINS, path), text);
  }
}
