/** `dynbench plugin list|show NAME`. */
import type { Environment } from "./environment.ts";
import { valuesOf } from "./arguments.ts";
import { pluginHelp } from "./help.ts";
import { DynbenchError, EXIT_CODES } from "../errors.ts";
import { didYouMean } from "../plan/suggest.ts";

export async function plugin(argv: readonly string[], { plugins }: Environment): Promise<number> {
  for (const file of valuesOf(argv, "plugin")) await plugins.addFile(file);
  const [verb, name] = argv.filter(
    (token, i) => !token.startsWith("--") && argv[i - 1] !== "--plugin",
  );
  if (verb === "list" && name === undefined) {
    process.stdout.write(listing(plugins));
    return EXIT_CODES.ok.code;
  }
  if (verb === "show" && name !== undefined) {
    const found = plugins.all.filter(
      ({ plugin: one }) => one.name === name || one.aliases?.includes(name),
    );
    if (found.length === 0) {
      const guess = didYouMean(
        name,
        plugins.all.map(({ plugin: one }) => one.name),
      );
      throw new DynbenchError("plan", `There is no plugin "${name}"`, {
        hint: guess ? `Did you mean "${guess}"?` : 'See "dynbench plugin list"',
      });
    }
    process.stdout.write(found.map((one) => pluginHelp(one.plugin, one.source)).join("\n"));
    return EXIT_CODES.ok.code;
  }
  throw new DynbenchError(
    "plan",
    `Cannot do "plugin ${argv.join(" ")}"`.replace(' "', ' "').trim(),
    {
      hint: "dynbench plugin list, or dynbench plugin show NAME",
    },
  );
}

function listing(plugins: Environment["plugins"]): string {
  const kinds = ["engine", "router", "workload", "reporter"] as const;
  const width = Math.max(...plugins.all.map(({ plugin: one }) => one.name.length)) + 2;
  return kinds
    .map((kind) => {
      const lines = plugins.ofKind(kind).map(({ plugin: one, source }) => {
        const from = source === "bundled" ? "" : `  (${source})`;
        return `  ${one.name.padEnd(width)}${one.summary}${from}`;
      });
      return `${kind}s\n${lines.join("\n")}\n`;
    })
    .join("\n");
}
