/** What is generated of the pages of bundled plugins: their facts and their options. */
import { flagSpecs, titled } from "../core/cli/options/option-groups.ts";
import { optionSpecs } from "../core/plan/option-spec.ts";
import type { Engine } from "../core/contract/engine.ts";
import type { AnyPlugin } from "../core/contract/plugins.ts";
import type { Router } from "../core/contract/router.ts";
import { BUNDLED } from "../plugins/bundled.ts";
import { code, generatedPage, table } from "./markdown.ts";
import { optionTable } from "./option-table.ts";

/** `docs/plugins/NAME.md`, one for each name; an engine and a router of one name share it. */
export function pluginPage({ name }: AnyPlugin): string {
  return `docs/plugins/${name}.md`;
}

/** `engine mocker`: what a marker names. */
export function blockName({ kind, name }: AnyPlugin): string {
  return `${kind} ${name}`;
}

export function pluginBlock(name: string): string {
  const plugin = BUNDLED.find((one) => blockName(one) === name);
  if (plugin === undefined) throw new Error(`No bundled plugin is "${name}"`);
  return `${factsOf(plugin).join("\n")}\n\n${optionTable(flagSpecs(plugin))}`;
}

function factsOf(plugin: AnyPlugin): string[] {
  const aliases = plugin.aliases?.length ? ` Also called ${code(...plugin.aliases)}.` : "";
  const facts = [`- ${titled(plugin.kind)}: ${plugin.summary}.${aliases}`];
  if (plugin.kind === "engine") facts.push(...engineFacts(plugin));
  if (plugin.kind === "router") facts.push(...routerFacts(plugin));
  return facts;
}

function engineFacts({ planes, model, splitsOn, takesArguments }: Engine): string[] {
  return [
    `- Planes: ${code(...planes)}.`,
    `- Virtual clock: ${model ? "yes" : "no"}.`,
    `- Workers for prefill and decode alone: ${splitsOn ? `on ${code(...splitsOn)}` : "no"}.`,
    `- Arguments after \`--\`: ${takesArguments ? "passed to the engine's command" : "refused"}.`,
  ];
}

function routerFacts({ plane, policy }: Router): string[] {
  return [
    `- Plane: ${code(plane)}.`,
    policy
      ? "- Hosted by dynbench's gateway; runs on both clocks."
      : "- A program or deployment of its own; runs on the wall clock only.",
  ];
}

/** `docs/reference/plugins.md`: every bundled plugin, and every option that one of them has. */
export function pluginsReference(): string {
  const link = (plugin: AnyPlugin): string => `[${plugin.name}](../plugins/${plugin.name}.md)`;
  const kinds = ["engine", "router", "workload", "reporter"] as const;
  const lists = kinds.map((kind) => {
    const own = BUNDLED.filter((plugin) => plugin.kind === kind);
    return `## ${titled(kind)}s\n\n${table(
      ["name", "what it is"],
      own.map((plugin) => [link(plugin), plugin.summary]),
    )}`;
  });
  const options = Map.groupBy(
    BUNDLED.flatMap((plugin) =>
      (plugin.kind === "reporter" ? flagSpecs(plugin) : optionSpecs(plugin.options)).flatMap(
        ({ flag, aliases }) => [flag, ...aliases].map((name) => ({ name, plugin })),
      ),
    ),
    ({ name }) => name,
  );
  const rows = [...options]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, uses]) => [
      code(`--${name}`),
      uses.map(({ plugin }) => `${plugin.kind} ${link(plugin)}`).join(", "),
    ]);
  return generatedPage(
    "Plugins",
    "The engines, routers, workloads and reporters that come with the binary. `dynbench plugin list` prints them with those that you added.",
    ...lists,
    "## Options by name",
    "Options of the run itself are in [options.md](options.md).",
    table(["option", "of"], rows),
  );
}
