/**
 * The house rules, as a test: floors, homes of packages, names, sizes and pure floors.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { BUNDLED } from "../plugins/bundled.ts";

interface Source {
  readonly path: string;
  readonly text: string;
  /** Imported modules, relative ones as paths from the root. */
  readonly imports: readonly { target: string; isTypeOnly: boolean }[];
}

const ROOT = join(import.meta.dir, "..");
const ENTRIES = [
  "core/main.ts",
  "build.ts",
  "build-types.ts",
  "release/release.ts",
  "reports/page.ts",
  "reports/trace-page.ts",
];
const sources = [
  ...new Set([
    ...new Bun.Glob("{core,plugins,reports,release,test}/**/*.ts").scanSync(ROOT),
    ...ENTRIES,
  ]),
]
  .toSorted()
  .map(readSource);
/** The examples are what others write: packages of their own. */
const isProgram = ({ path }: Source): boolean =>
  !path.startsWith("test/") && !path.startsWith("plugins/examples/");
const program = sources.filter(isProgram);

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const imports = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^;"']*?from\s+"([^"]+)"|import\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g,
    ),
  ].map((match) => {
    const target = (match[2] ?? match[3] ?? match[4])!;
    return {
      target: target.startsWith(".") ? normalize(join(dirname(path), target)) : target,
      isTypeOnly: match[1] !== undefined,
    };
  });
  return { path, text, imports };
}

/** Violations as `path → target`, so that a failure names them all. */
function breaking(
  isOf: (source: Source) => boolean,
  isForbidden: (target: string, isTypeOnly: boolean, source: Source) => boolean,
): string[] {
  return program
    .filter(isOf)
    .flatMap((source) =>
      source.imports
        .filter(({ target, isTypeOnly }) => isForbidden(target, isTypeOnly, source))
        .map(({ target }) => `${source.path} -> ${target}`),
    );
}

const within =
  (...folders: string[]) =>
  ({ path }: { path: string }): boolean =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

describe("floors", () => {
  test("core never imports plugins, except the composition root", () => {
    const isCore = ({ path }: Source): boolean =>
      path.startsWith("core/") && path !== "core/main.ts";
    expect(breaking(isCore, (target) => target.startsWith("plugins/"))).toEqual([]);
  });

  test("a plugin imports dynbench, its own folder and hono; engines what model servers share; they and the dynamo router what Dynamo's plugins share; the html reporter its page", () => {
    const isDynamos = (path: string): boolean =>
      /^plugins\/(engines|model-servers)\//.test(path) || path === "plugins/routers/dynamo.ts";
    const allowed = (target: string, source: Source): boolean =>
      target === "dynbench" ||
      (target.startsWith("plugins/dynamo/") && isDynamos(source.path)) ||
      (target.startsWith("plugins/model-servers/") && source.path.startsWith("plugins/engines/")) ||
      // Packages have a test of their own; these are for Dynamo's plane alone.
      (/^(nats|etcd3|protobufjs)\b/.test(target) && source.path.startsWith("plugins/dynamo/")) ||
      target === "hono" ||
      target.startsWith("hono/") ||
      target.startsWith("node:") ||
      (target.startsWith(`${dirname(source.path)}/`) && source.path !== "plugins/bundled.ts") ||
      (source.path === "plugins/bundled.ts" && target.startsWith("plugins/")) ||
      (source.path === "plugins/reporters/html.ts" && target.startsWith("reports/"));
    const isPlugin = within("plugins");
    expect(breaking(isPlugin, (target, _, source) => !allowed(target, source))).toEqual([]);
  });

  test("the page imports itself, the words and formulas of pure metrics, and only types from elsewhere", () => {
    const isForbidden = (target: string, isTypeOnly: boolean): boolean =>
      !(
        target.startsWith("reports/") ||
        target === "uplot" ||
        target.startsWith("uplot/") ||
        target.startsWith("core/metrics/") ||
        isTypeOnly ||
        target === "dynbench"
      );
    expect(
      breaking(within("reports"), isForbidden).filter(
        (edge) => !edge.startsWith("reports/bundle.ts"),
      ),
    ).toEqual([]);
  });

  test("pure floors import nothing that has effects", () => {
    const effects = [
      "core/cli",
      "core/run",
      "core/process",
      "core/doctor",
      "core/gateway",
      "core/http",
      "core/zmq",
      "core/files",
      "core/main.ts",
    ];
    const isForbidden = (target: string, isTypeOnly: boolean): boolean =>
      !isTypeOnly &&
      !isPure({ path: target }) &&
      effects.some((folder) => target === folder || target.startsWith(`${folder}/`));
    expect(breaking(isPure, isForbidden)).toEqual([]);
  });
});

/** Contract, plan, models, metrics, routing, arrivals, simulator: the same on every machine. */
function isPure({ path }: { path: string }): boolean {
  const files = [
    "core/plugin.ts",
    "core/request.ts",
    "core/record.ts",
    "core/routing-policy.ts",
    "core/worker-model.ts",
    "core/random.ts",
    "core/portable-math.ts",
    "core/load/arrivals.ts",
    "core/load/draw.ts",
    "core/load/completion.ts",
    "core/http/byte-range.ts",
    "core/prompt/tokens.ts",
    "core/prompt/body.ts",
    "core/load/nvext.ts",
    "core/run/cell-findings.ts",
  ];
  return (
    files.includes(path) ||
    within("core/plan", "core/metrics", "core/routing", "core/sim", "core/trace")({ path }) ||
    within("core/kv")({ path }) ||
    /^plugins\/routers\/(?!attach|direct|dynamo|external|haproxy|nginx|sglang-router|smg|vllm-router)/.test(
      path,
    ) ||
    /^plugins\/engines\/mocker\/(scheduler|kv-cache|timing|gpus|batch|sequence|step-span|block-timetable)\.ts$/.test(
      path,
    ) ||
    path.startsWith("plugins/workloads/")
  );
}

describe("pure floors", () => {
  const banned = [
    "Date.now",
    "new Date(",
    "performance.now",
    "process.hrtime",
    "process.env",
    "Math.random",
    "setTimeout",
    "setInterval",
    "Bun.spawn",
    "Bun.serve",
    "Bun.connect",
    "Bun.listen",
    "Bun.file",
    "Bun.write",
    "Bun.sleep",
    "fetch(",
  ];
  test("touch no clock, file, socket, environment or chance", () => {
    const found = program
      .filter(isPure)
      .flatMap(({ path, text }) =>
        banned.filter((word) => code(text).includes(word)).map((word) => `${path}: ${word}`),
      );
    expect(found).toEqual([]);
  });

  test("models and draws use the portable functions, not libm", () => {
    const libm = /Math\.(exp|log|log2|log10|pow|cos|sin|tan|tanh|expm1|log1p)\(|\*\*/;
    const isModel = (source: Source): boolean =>
      isPure(source) &&
      !within("core/metrics", "core/plan")(source) &&
      source.path !== "core/portable-math.ts";
    const found = program.filter(isModel).filter(({ text }) => libm.test(code(text)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test("only clock.ts reads the clock, and only random.ts makes chance", () => {
    const found = program
      .filter(({ path }) => path.startsWith("core/") && path !== "core/clock.ts")
      .filter(({ text }) => /Date\.now|process\.hrtime|Math\.random/.test(code(text)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

/** A source without its comments and texts, where words mean nothing. */
function code(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

describe("packages", () => {
  const homes: Record<string, RegExp> = {
    citty: /^core\/cli\//,
    consola: /^core\/cli\//,
    valibot: /^(core|release)\//,
    hono: /^(core\/gateway|plugins\/engines\/mocker)\//,
    uplot: /^reports\//,
    nats: /^plugins\/dynamo\//,
    etcd3: /^plugins\/dynamo\//,
    protobufjs: /^plugins\/dynamo\//,
    "@huggingface": /^core\/prompt\//,
  };
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };

  test("each has one home", () => {
    const isPackage = (target: string): boolean =>
      !/^(node:|bun:|core\/|plugins\/|release\/|reports\/|test\/|package\.json)/.test(target);
    const found = program.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => isPackage(target) && target !== "bun" && target !== "dynbench")
        .filter(({ target }) => !homes[target.split("/")[0]!]?.test(path))
        .map(({ target }) => `${path} -> ${target}`),
    );
    expect(found).toEqual([]);
  });

  test("versions are exact", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual(
      [],
    );
  });
});

describe("names and sizes", () => {
  test("no file is a dumping ground", () => {
    const banned = /(^|\/)(utils?|helpers?|common|shared|types|constants|index|misc|manager)\.ts$/;
    expect(sources.filter(({ path }) => banned.test(path)).map(({ path }) => path)).toEqual([]);
  });

  test("files are kebab-case and at most 400 lines", () => {
    const odd = program.filter(({ path }) => !/^[a-z0-9/.-]+$/.test(path)).map(({ path }) => path);
    const long = program
      .filter(({ text }) => text.split("\n").length > 401)
      .map(({ path }) => path);
    expect([...odd, ...long]).toEqual([]);
  });

  test("each file says what it is for", () => {
    const silent = program.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test("no inheritance but of errors, no enums, no default exports", () => {
    const found = program.filter(({ text }) =>
      /\bclass \w+ extends (?!\w*(Error|Fault)\b)|^export default|^(export )?enum /m.test(
        code(text),
      ),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test("a bundled plugin's file is named after it", () => {
    const files = new Set(program.map(({ path }) => path));
    const missing = BUNDLED.filter(({ kind, name }) => {
      const folder = `plugins/${kind}s`;
      return !files.has(`${folder}/${name}.ts`) && !files.has(`${folder}/${name}/${name}.ts`);
    });
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test("every program file is imported by another, or is an entry", () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports.map(({ target }) => target)));
    const isEntry = (path: string): boolean => ENTRIES.includes(path) || path.endsWith(".d.ts");
    const unused = program.filter(({ path }) => !imported.has(path) && !isEntry(path));
    expect(unused.map(({ path }) => path)).toEqual([]);
  });
});
