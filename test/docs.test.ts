/**
 * The documents: pages that are generated are those that the code makes, every plugin and every option
 * has its place, links lead somewhere, and what must stay short is.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { commandWords, type CommandWords } from "../core/cli/commands/command-words.ts";
import { EXIT_CODES } from "../core/base/errors.ts";
import { METRICS } from "../core/metrics/definitions.ts";
import { SUMMARY_SECTIONS } from "../core/metrics/summary-keys.ts";
import { optionSpecs } from "../core/plan/option-spec.ts";
import { PlaneOptions } from "../core/plan/plane-options.ts";
import { LoadOptions, RunOptions } from "../core/plan/run-options.ts";
import { SimOptions } from "../core/plan/sim-options.ts";
import { RUN_FILES } from "../core/run/run-files.ts";
import { generatedPages } from "../docs/generate.ts";
import { markedNames } from "../docs/markdown.ts";
import { blockName, pluginPage } from "../docs/plugin-pages.ts";
import { TRACE_FORMATS } from "../plugins/shared/traces/trace-formats.ts";
import { BUNDLED } from "../plugins/bundled.ts";

const ROOT = join(import.meta.dir, "..");
/** Short enough to be read in one go, in bytes. */
const SHORT = 10 * 1024;

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const files = ["{README,CONTRIBUTING,CHANGELOG}.md", "{docs,core,plugins,reports,test}/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .toSorted();
const withoutCode = (path: string): string => read(path).replace(/```[\s\S]*?```/g, "");

describe("generated pages", () => {
  const pages = [...generatedPages()];

  test.each(pages)("%s is what npm run docs writes", (path, text) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
    expect(read(path)).toBe(text);
  });

  test("nothing else lies in the folder of the reference", () => {
    const there = files.filter((path) => path.startsWith("docs/reference/"));
    expect(there.filter((path) => !pages.some(([page]) => page === path))).toEqual([]);
  });
});

describe("pages of plugins", () => {
  test.each(BUNDLED.map((plugin) => [blockName(plugin), pluginPage(plugin)]))(
    "%s has one, with its options",
    (block, page) => {
      expect(existsSync(join(ROOT, page))).toBe(true);
      expect(markedNames(read(page))).toContain(block);
    },
  );

  test("each page is that of a bundled plugin, and has blocks of that name alone", () => {
    const blocks = new Set(BUNDLED.map(blockName));
    const odd = files
      .filter((path) => path.startsWith("docs/plugins/"))
      .filter((path) => {
        const names = markedNames(read(path));
        const own = names.every(
          (name) => blocks.has(name) && path.endsWith(`/${name.split(" ")[1]}.md`),
        );
        return names.length === 0 || !own;
      });
    expect(odd).toEqual([]);
  });
});

describe("the reference has every", () => {
  const has = (page: string, ...texts: readonly string[]): boolean => {
    const rows = read(page).split("\n");
    return rows.some((row) => texts.every((text) => row.includes(text)));
  };
  const optionsOf = ({ options, verbs }: CommandWords): readonly { flag: string }[] => [
    ...options,
    ...Object.values(verbs ?? {}).flatMap(optionsOf),
  ];

  test("option of a run", () => {
    const specs = [RunOptions, LoadOptions, SimOptions, PlaneOptions].flatMap(optionSpecs);
    const missing = specs.filter(({ flag, description }) => {
      const [start] = description.split("*");
      return !has("docs/reference/options.md", `\`--${flag}`, start!);
    });
    expect(missing.map(({ flag }) => flag)).toEqual([]);
  });

  test("bound of a number, which has a least and a largest value", () => {
    const specs = [
      ...[RunOptions, LoadOptions, SimOptions, PlaneOptions].flatMap(optionSpecs),
      ...BUNDLED.flatMap(({ options }) => optionSpecs(options)),
    ].filter(({ type, itemType }) => type === "number" || itemType === "number");
    const unbounded = specs.filter(
      ({ bounds: { least, above, most } }) => (least ?? above) === undefined || most === undefined,
    );
    expect(unbounded.map(({ flag }) => flag)).toEqual([]);
    expect(has("docs/reference/options.md", "`--requests N`", "(1 to 10,000,000)")).toBe(true);
    expect(specs.length).toBeGreaterThan(100);
  });

  test("option of a command", () => {
    const missing = Object.values(commandWords(TRACE_FORMATS))
      .flatMap(optionsOf)
      .filter(({ flag }) => !has("docs/reference/commands.md", `\`--${flag}`));
    expect(missing).toEqual([]);
  });

  test("option of a plugin, on its page and by name", () => {
    const missing = BUNDLED.flatMap((plugin) =>
      optionSpecs(plugin.options)
        .map(({ flag }) => (plugin.kind === "reporter" ? `${plugin.name}.${flag}` : flag))
        .filter(
          (flag) =>
            !has(pluginPage(plugin), `\`--${flag}`) ||
            !has("docs/reference/plugins.md", `\`--${flag}\``, `${plugin.kind} [${plugin.name}]`),
        ),
    );
    expect(missing).toEqual([]);
  });

  test("metric with its unit and formula, and exit code with its meaning", () => {
    const metrics = METRICS.filter(
      ({ unit, formula }) => !has("docs/reference/metrics.md", `| ${unit}`, formula),
    );
    const codes = Object.values(EXIT_CODES).filter(
      ({ code, meaning }) => !has("docs/reference/exit-codes.md", `| ${code} `, `| ${meaning} `),
    );
    expect([...metrics, ...codes]).toEqual([]);
  });

  test("file of a run folder and key of summary.json", () => {
    const missingFiles = RUN_FILES.filter(
      ({ holds }) => !has("docs/reference/run-folder.md", holds),
    );
    const missingKeys = SUMMARY_SECTIONS.flatMap(({ keys }) => Object.entries(keys)).filter(
      ([key, meaning]) => !has("docs/reference/summary-json.md", `\`${key}\``, meaning),
    );
    expect([...missingFiles, ...missingKeys]).toEqual([]);
  });
});

describe("pages", () => {
  test("each has one title", () => {
    const odd = files.filter((path) => (withoutCode(path).match(/^# /gm) ?? []).length !== 1);
    expect(odd).toEqual([]);
  });

  test.each(["README.md", "docs/architecture.md"])("%s is short", (path) => {
    expect(statSync(join(ROOT, path)).size).toBeLessThanOrEqual(SHORT);
  });

  test("links lead to files that are there, and to headings in them", () => {
    const broken = files.flatMap((path) =>
      [...withoutCode(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
        .map(([, to, anchor]) => ({ target: targetOf(path, to!), anchor }))
        .filter(({ target, anchor }) => !leads(target, anchor))
        .map(({ target, anchor }) => `${path} -> ${target}${anchor ? `#${anchor}` : ""}`),
    );
    expect(broken).toEqual([]);
  });

  test("each page of docs/ can be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const path of reached) {
      if (!path.endsWith(".md")) continue;
      for (const [, to] of withoutCode(path).matchAll(/\]\((?!https?:)([^)#\s]+)[^)\s]*\)/g)) {
        const target = targetOf(path, to!);
        if (existsSync(join(ROOT, target))) reached.add(target);
      }
    }
    const pages = files.filter((path) => path.startsWith("docs/"));
    expect(pages.filter((path) => !reached.has(path))).toEqual([]);
  });

  test("each sentence of the architecture links its file", () => {
    const prose = withoutCode("docs/architecture.md")
      .replace(/<!-- generated: floors -->[\s\S]*?<!-- \/generated -->/, "")
      .split("\n")
      .filter((line) => line !== "" && !/^(#|\||<!--)/.test(line));
    const sentences = prose.flatMap((line) => line.split(/(?<=[.!?])\s+(?=[A-Z`])/));
    expect(sentences.length).toBeGreaterThan(20);
    expect(sentences.filter((sentence) => !sentence.includes("]("))).toEqual([]);
  });

  test("each package is in the table of packages, with its home and its reason", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<
      "dependencies" | "devDependencies",
      Record<string, string>
    >;
    const rows = read("CONTRIBUTING.md")
      .split("\n")
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .filter((cells) => cells.length === 5 && cells[2] !== "" && cells[3] !== "")
      .map((cells) => cells[1]);
    const packages = Object.keys({ ...dependencies, ...devDependencies });
    expect(packages.filter((name) => !rows.includes(name))).toEqual([]);
  });
});

function targetOf(path: string, to: string): string {
  return to === "" ? path : normalize(join(dirname(path), to));
}

function leads(target: string, anchor: string | undefined): boolean {
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || (target.endsWith(".md") && anchorsOf(target).includes(anchor));
}

/** Of its headings, as GitHub makes them: small letters, no punctuation, dashes for spaces. */
function anchorsOf(path: string): string[] {
  return [...withoutCode(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}
