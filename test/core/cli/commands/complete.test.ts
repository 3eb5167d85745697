import { describe, expect, test } from "bun:test";
import { complete } from "../../../../core/cli/commands/complete.ts";
import { readCommandLine } from "../../../../core/cli/options/command-line.ts";
import { COMMANDS } from "../../../../core/cli/options/command-list.ts";
import { PluginSet } from "../../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../../plugins/bundled.ts";
import { TRACE_FORMATS } from "../../../../plugins/shared/traces/trace-formats.ts";

const plugins = new PluginSet(BUNDLED);

/** The offered completions; `files` and the like where the shell completes. */
function offered(...line: string[]): string[] | string {
  const before = readCommandLine(line.slice(0, -1));
  const found = complete(before, line.at(-1)!, { plugins, traceFormats: TRACE_FORMATS });
  return found.kind === "words"
    ? found.candidates.map(({ word }) => word)
    : `${found.kind} ${found.prefix}`.trim();
}

describe("completion", () => {
  test("the first word is a command, or a flag of the program", () => {
    expect(offered("")).toEqual([...Object.keys(COMMANDS), "--help", "--version"]);
    expect(offered("pl")).toEqual(["plan", "plugin"]);
    expect(offered("nothing", "")).toEqual([]);
  });

  test("a command's verbs, and the arguments of each", () => {
    expect(offered("trace", "")).toEqual(["analyze", "synthesize", "convert"]);
    expect(offered("trace", "analyze", "")).toBe("files");
    expect(offered("trace", "analyze", "one", "")).toBe("files");
    expect(offered("trace", "convert", "one", "")).toEqual([]);
    expect(offered("report", "run1", "")).toBe("folders");
    expect(offered("plugin", "new", "r")).toEqual(["router", "reporter"]);
    expect(offered("plugin", "show", "kv")).toEqual(["kv", "kv-approx"]);
    expect(offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });

  test("options are those of the run and of the plugins named on the line", () => {
    expect(offered("run", "--overlap")).toEqual(["--overlap-credit"]); // of kv, the default
    expect(offered("run", "--router", "random", "--overlap")).toEqual([]);
    expect(offered("run", "--trace")).toEqual([]);
    expect(offered("run", "--workload", "mooncake", "--trace")).toContain("--trace-block-size");
    expect(offered("up", "--concurr")).toEqual([]); // it sends no load
    expect(offered("run", "--html.p")).toEqual(["--html.path"]);
    expect(offered("run", "--he")).toEqual(["--header", "--header-env", "--help"]);
    expect(offered("doctor", "--cl")).toEqual(["--clean"]);
  });

  test("values: choices, names of plugins, nothing for a number, files for a text", () => {
    expect(offered("run", "--clock", "")).toEqual(["wall", "virtual"]);
    expect(offered("run", "--clock=v")).toEqual(["--clock=virtual"]);
    expect(offered("run", "--workload", "pre")).toEqual(["prefix", "prefix-tree"]);
    expect(offered("run", "--requests", "")).toEqual([]);
    expect(offered("run", "--config", "")).toBe("files");
    expect(offered("run", "--config=a")).toBe("files --config=");
    expect(offered("run", "--trace", "")).toBe("files"); // though no workload has it yet
    expect(offered("run", "--json", "")).toEqual([]); // a switch waits for none
  });

  test("arms: more of them behind a comma, options behind a colon", () => {
    expect(offered("run", "--router", "kv,round")).toEqual(["kv,round-robin"]);
    expect(offered("run", "--router", "kv:temp")).toEqual(["kv:temperature="]);
    expect(offered("run", "--router=kv:temp")).toEqual(["--router=kv:temperature="]);
    expect(offered("run", "--engine", "mocker:workers=8,speed")).toEqual([
      "mocker:workers=8,speedup=",
    ]);
    expect(offered("run", "--router", "nobody:")).toEqual([]);
  });

  test("a sweep names an option of the load or of a workload, each once", () => {
    expect(offered("run", "--sweep", "conc")).toEqual(["concurrency=", "concurrency-of="]);
    expect(offered("run", "--sweep", "isl")).toEqual(["isl=", "isl-stddev-share="]);
  });

  test("behind a lone -- is the engine's", () => {
    expect(offered("run", "--", "--router", "")).toBe("files");
  });

  test("a half-typed arm earlier on the line spoils nothing", () => {
    expect(offered("run", "--router", "kv:temperature", "--clo")).toEqual(["--clock"]);
  });
});
