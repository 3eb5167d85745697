/** The plugins that a run can use, whoever loaded them. */
import type { Engine } from "./engine.ts";
import type { PluginUse } from "./plan.ts";
import type { Reporter } from "./reporter.ts";
import type { Router } from "./router.ts";
import type { Workload } from "./workload.ts";

export type AnyPlugin = Engine<any> | Router<any> | Workload<any, any> | Reporter<any>;

export type PluginKind = PluginUse["kind"];

export interface LoadedPlugin {
  readonly plugin: AnyPlugin;
  /** `bundled` or the file's absolute path. */
  readonly source: string;
  readonly digest?: string;
  /** The added package it came in, as `NAME VERSION`. */
  readonly from?: string;
}

/** Implemented by `plugin-folder/plugin-set.ts`. */
export interface Plugins {
  readonly all: readonly LoadedPlugin[];
  ofKind(kind: PluginKind): readonly LoadedPlugin[];
  /** The plugin of that name or alias; undefined where there is none. */
  find(kind: PluginKind, name: string): LoadedPlugin | undefined;
  /** The fault for a name that no plugin has, with the nearest name or all of them. */
  unknown(kind: PluginKind, name: string): { message: string; hint: string };
  /** The plugin that a plan names. Throws a `DynbenchError` if it is missing or has changed. */
  load(use: PluginUse): Promise<AnyPlugin>;
}
