/**
 * The plugins of this process: the bundled ones, those of added packages, and files the user named
 * with `--plugin`.
 *
 * Main process and children use the same loader, so an outside policy runs inside the gateway child
 * exactly as a bundled one does.
 */
import { given } from "../base/given.ts";
import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import * as v from "valibot";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";
import { API_VERSION, OLDEST_API_VERSION } from "../contract/plugin.ts";
import type { AnyPlugin, LoadedPlugin, PluginKind, Plugins } from "../contract/plugins.ts";
import { NEEDS_INSTALL } from "./install-fault.ts";
import type { PluginUse } from "../contract/plan.ts";
import { optionSpecs } from "../plan/option-spec.ts";
import { didYouMean } from "../base/suggest.ts";
import { VERSION } from "../base/version.ts";

/** A plugin of an added package, and the file that is taken in its place. */
export interface Replacement {
  readonly plugin: LoadedPlugin;
  readonly by: string;
}

/** An added package that cannot be used. */
export interface BrokenPackage {
  readonly from: string;
  readonly fault: DynbenchError;
}

/** A top-level await that never ends would hang every command. */
const LOAD_LIMIT_MS = 10_000;

const Text = v.pipe(v.string(), v.nonEmpty());
const NEED = { install: Text, onlyWith: v.optional(Text) };
const NeedShape = v.union(
  [
    v.strictObject({
      ...NEED,
      command: Text,
      versionFlag: v.optional(Text),
      port: v.optional(v.number()),
    }),
    v.strictObject({ ...NEED, packages: v.pipe(v.array(Text), v.nonEmpty()) }),
  ],
  "must have install, and either command or packages",
);

const Shape = v.looseObject({
  kind: v.picklist(["engine", "router", "workload", "reporter"]),
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, "must be kebab-case")),
  summary: v.string(),
  options: v.looseObject({ type: v.literal("strict_object") }),
  needs: v.optional(v.array(NeedShape)),
});

/** Modules of this program that an outside plugin may import by name: `{ dynbench: …, "dynbench/engine": … }`. */
export type HostModules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export class PluginSet implements Plugins {
  #loaded: readonly LoadedPlugin[];
  readonly #broken: BrokenPackage[] = [];
  readonly #replaced: Replacement[] = [];

  readonly #modules: HostModules;

  constructor(bundled: readonly AnyPlugin[], modules: HostModules = {}) {
    this.#modules = modules;
    this.#loaded = bundled.map((plugin) => ({ plugin, source: "bundled" }));
  }

  get all(): readonly LoadedPlugin[] {
    return this.#loaded;
  }

  /** Added packages that were left out, each with its reason. */
  get broken(): readonly BrokenPackage[] {
    return this.#broken;
  }

  /** Plugins of added packages that a file named for this run replaces. */
  get replaced(): readonly Replacement[] {
    return this.#replaced;
  }

  leaveOut(broken: BrokenPackage): void {
    this.#broken.push(broken);
  }

  ofKind(kind: PluginKind): readonly LoadedPlugin[] {
    return this.#loaded.filter(({ plugin }) => plugin.kind === kind);
  }

  /** The plugin of that name or alias; nothing if there is none. */
  find(kind: PluginKind, name: string): LoadedPlugin | undefined {
    return this.ofKind(kind).find(
      ({ plugin }) => plugin.name === name || plugin.aliases?.includes(name),
    );
  }

  /** Message and hint for a name that no plugin has: the names there are, and the one probably meant. */
  unknown(kind: PluginKind, name: string): { message: string; hint: string } {
    const names = this.ofKind(kind).map(({ plugin }) => plugin.name);
    const guess = didYouMean(name, names);
    const leftOut = this.#broken.map(({ from, fault }) => `\nLeft out: ${from}: ${fault.message}`);
    return {
      message: `there is no ${kind} "${name}"`,
      hint: `${guess ? `Did you mean "${guess}"? ` : ""}Known ${kind}s: ${names.join(", ")}${leftOut.join("")}`,
    };
  }

  /**
   * Loads a plugin file. Its default export is the plugin (or a list of them): all of it or nothing. One
   * that is not `from` a package takes the place of an added one of its name.
   */
  async addFile(path: string, from?: string): Promise<readonly LoadedPlugin[]> {
    const { source, digest } = fileOf(path);
    registerHostModules(this.#modules);
    const exported = await defaultExport(source, this.#modules);
    const added: LoadedPlugin[] = [];
    for (const candidate of Array.isArray(exported) ? exported : [exported]) {
      const plugin = this.#accept(candidate, { source, from });
      const twin = added.find((one) => sameName(one.plugin, plugin));
      if (twin) throw nameTaken(plugin, source, source);
      added.push({ plugin, source, digest, ...given({ from }) });
    }
    const replaced = added.flatMap(({ plugin }) => this.find(plugin.kind, plugin.name) ?? []);
    this.#replaced.push(...replaced.map((plugin) => ({ plugin, by: source })));
    this.#loaded = [...this.#loaded.filter((one) => !replaced.includes(one)), ...added];
    return added;
  }

  /** The plugin a plan names, loaded from its file when it is not bundled. */
  async load(use: PluginUse): Promise<AnyPlugin> {
    const known = this.#loaded.find(
      ({ plugin, source }) =>
        plugin.kind === use.kind && plugin.name === use.name && source === use.source,
    );
    if (known) return unchanged(use, known);
    if (use.source === "bundled") {
      throw new DynbenchError(
        "plan",
        `Cannot run the plan: this dynbench has no ${use.kind} "${use.name}"`,
      );
    }
    const added = await this.addFile(use.source);
    const match = added.find(({ plugin }) => plugin.kind === use.kind && plugin.name === use.name);
    if (!match) {
      throw new DynbenchError(
        "plan",
        `Cannot run the plan: ${use.source} has no ${use.kind} "${use.name}"`,
      );
    }
    return unchanged(use, match);
  }

  #accept(candidate: unknown, of: { source: string; from: string | undefined }): AnyPlugin {
    const { source, from } = of;
    checkVersion(candidate, source);
    const result = v.safeParse(Shape, candidate);
    if (!result.success) {
      const faults = result.issues.map(
        (issue) => `${v.getDotPath(issue) ?? "default export"}: ${issue.message}`,
      );
      throw new DynbenchError("plan", `Cannot use plugin ${source}: ${faults.join("; ")}`, {
        hint: "Its default export must be made by defineEngine, defineRouter, defineWorkload or defineReporter",
      });
    }
    const plugin = candidate as AnyPlugin;
    const lacks = missingParts(plugin);
    if (lacks.length > 0) {
      throw new DynbenchError(
        "plan",
        `Cannot use plugin ${source}: ${plugin.kind} "${plugin.name}" lacks ${lacks.join(", ")}`,
        { hint: "See docs/write-a-plugin.md for what each kind must have" },
      );
    }
    try {
      optionSpecs(plugin.options); // an option that no flag can carry
    } catch (cause) {
      throw new DynbenchError("plan", `Cannot use plugin ${source}: ${messageOf(cause)}`, {
        cause,
      });
    }
    const taken = this.find(plugin.kind, plugin.name);
    const mayReplace = taken?.from !== undefined && from === undefined;
    if (taken && !mayReplace) throw nameTaken(plugin, source, taken.source);
    return plugin;
  }
}

function sameName(a: AnyPlugin, b: AnyPlugin): boolean {
  return a.kind === b.kind && (a.name === b.name || a.aliases?.includes(b.name) === true);
}

function nameTaken({ kind, name }: AnyPlugin, source: string, by: string): DynbenchError {
  return new DynbenchError(
    "plan",
    `Cannot use plugin ${source}: the name ${kind} "${name}" is taken (${by})`,
  );
}

async function defaultExport(source: string, modules: HostModules): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`it is still not loaded after ${LOAD_LIMIT_MS / 1000} s`)),
    LOAD_LIMIT_MS,
  );
  try {
    const loaded = (await Promise.race([import(source), late.promise])) as { default?: unknown };
    return loaded.default;
  } catch (cause) {
    const why = whyNotLoaded(cause);
    throw new DynbenchError("plan", `Cannot load plugin ${source}: ${why}`, {
      cause,
      hint: loadHint(why, modules),
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The first of the faults with its line, without the places inside of this program. */
function whyNotLoaded(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const line = (first as { position?: { line?: number } | null } | undefined)?.position?.line;
  const message = messageOf(first).replace(/ (?:imported )?from '?\/\$bunfs\/\S*/, "");
  return `${line === undefined ? "" : `line ${line}: `}${message}`;
}

function loadHint(message: string, modules: HostModules): string | undefined {
  const missing = /export named '([^']*)' not found in module '(dynbench[^']*)'/i.exec(message);
  if (missing) {
    const [, name, module] = missing;
    const home = Object.keys(modules).find((door) => Object.hasOwn(modules[door]!, name!));
    return home === undefined
      ? `dynbench ${VERSION} has no such export: take versions that match`
      : `"${name}" is no longer in "${module}": import it from "${home}"`;
  }
  return /cannot find package/i.test(message) ? NEEDS_INSTALL : undefined;
}

/** Before the form is checked: a fault in the form of another contract would only confuse. */
function checkVersion(candidate: unknown, source: string): void {
  const { apiVersion } = Object(candidate) as { apiVersion?: unknown };
  if (apiVersion === undefined || isAccepted(apiVersion)) return;
  const isNewer = typeof apiVersion === "number" && apiVersion > API_VERSION;
  throw new DynbenchError(
    "plan",
    `Cannot use plugin ${source}: it is written for version ${String(apiVersion)} of the plugin contract, ` +
      `and dynbench ${VERSION} takes versions ${OLDEST_API_VERSION} to ${API_VERSION}`,
    {
      hint: isNewer
        ? "Update dynbench, or take an older version of the plugin"
        : "Update the plugin: docs/write-a-plugin.md has the contract as it is now",
    },
  );
}

function isAccepted(version: unknown): boolean {
  return (
    Number.isInteger(version) &&
    (version as number) >= OLDEST_API_VERSION &&
    (version as number) <= API_VERSION
  );
}

/** What a kind cannot do without, where the plugin has it not. */
function missingParts(plugin: AnyPlugin): string[] {
  const fields = plugin as unknown as Record<string, unknown>;
  const has = (name: string): boolean => typeof fields[name] === "function";
  switch (plugin.kind) {
    case "engine":
      return [
        ...(Array.isArray(fields.planes) ? [] : ["planes"]),
        ...(has("start") || has("model") ? [] : ["start() or model()"]),
      ];
    case "router":
      return [
        ...(fields.plane === "http" || fields.plane === "dynamo" ? [] : ["plane"]),
        ...(has("traits") ? [] : ["traits()"]),
        ...(has("policy") || has("start") ? [] : ["policy() or start()"]),
      ];
    case "workload":
      return [
        ...(typeof fields.load === "object" && fields.load !== null ? [] : ["load"]),
        ...(has("requests") ? [] : ["requests()"]),
      ];
    case "reporter":
      return has("open") ? [] : ["open()"];
  }
}

function unchanged(use: PluginUse, { plugin, digest }: LoadedPlugin): AnyPlugin {
  if (use.digest === undefined || use.digest === digest) return plugin;
  throw new DynbenchError(
    "plan",
    `Cannot run the plan: ${use.source} has changed since it was made`,
    { hint: "Make the plan again" },
  );
}

/** Names of modules; a file of another name would be loaded too, as a text or a path. */
const MODULE = /\.[cm]?[jt]sx?$/;

/** The file's real path, so that a plan finds it from anywhere, and its digest. */
function fileOf(path: string): { source: string; digest: string } {
  try {
    const source = realpathSync(resolve(path));
    if (!statSync(source).isDirectory() && !MODULE.test(source)) {
      throw new DynbenchError("plan", `Cannot load plugin ${path}: it is no module`, {
        hint: "Name a file of TypeScript or JavaScript: router.ts, router.js",
      });
    }
    return { source, digest: createHash("sha256").update(readFileSync(source)).digest("hex") };
  } catch (cause) {
    if (cause instanceof DynbenchError) throw cause;
    throw new DynbenchError("plan", `Cannot load plugin ${path}: ${whyNot(cause)}`, { cause });
  }
}

let areRegistered = false;

/** Makes `import … from "dynbench"` in an outside plugin resolve to this program's own modules. */
function registerHostModules(modules: HostModules): void {
  if (areRegistered) return;
  areRegistered = true;
  Bun.plugin({
    name: "dynbench",
    setup: (build) => {
      for (const [name, exports] of Object.entries(modules)) {
        build.module(name, () => ({ exports: { ...exports }, loader: "object" }));
      }
    },
  });
}
