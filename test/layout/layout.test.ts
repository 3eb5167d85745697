/** The rules of the house, asked of the tree: floors, pure rooms, homes of packages, names, sizes. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUNDLED } from "../../plugins/bundled.ts";
import { ROOMS } from "./rooms.ts";
import {
  circles,
  codeOf,
  impure,
  isPure,
  libm,
  longFiles,
  longFunctions,
  sourceOf,
  unlisted,
  upward,
  type Source,
} from "./rules.ts";

const ROOT = join(import.meta.dir, "../..");
const ENTRIES = [
  "core/main.ts",
  "release/build.ts",
  "release/declarations.ts",
  "release/release.ts",
  "reports/page.ts",
  "reports/trace-page.ts",
];
const sources = [...new Bun.Glob("{core,plugins,reports,release,test}/**/*.ts").scanSync(ROOT)]
  .toSorted()
  .map((path) => sourceOf(path, readFileSync(join(ROOT, path), "utf8")));
/** The examples are what others write: packages of their own. */
const isProgram = ({ path }: Source): boolean =>
  !path.startsWith("test/") && !path.startsWith("plugins/examples/");
const program = sources.filter(isProgram);

const within =
  (...folders: string[]) =>
  ({ path }: { path: string }): boolean =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

describe("floors", () => {
  test("every folder is a room of the table", () => {
    expect(unlisted([...program, ...sources.filter(within("plugins/examples"))], ROOMS)).toEqual(
      [],
    );
  });

  test("imports go down only, type-only imports too", () => {
    expect(upward(program, ROOMS)).toEqual([]);
  });

  test("no files import each other in a circle, type-only imports too", () => {
    expect(circles(program)).toEqual([]);
  });

  test("core never imports plugins, except the composition root", () => {
    const found = program
      .filter(({ path }) => path.startsWith("core/") && path !== "core/main.ts")
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target }) => target.startsWith("plugins/"))
          .map(({ target }) => `${path} -> ${target}`),
      );
    expect(found).toEqual([]);
  });

  test("a plugin imports the doors, its own folder, what plugins share, and named packages", () => {
    const allowed = (target: string, { path }: Source): boolean =>
      /^dynbench(\/|$)/.test(target) ||
      target.startsWith("plugins/shared/") ||
      target.startsWith(`${dirname(path)}/`) ||
      /^(node:|hono(\/|$))/.test(target) ||
      (/^(nats|etcd3|protobufjs)\b/.test(target) && path.startsWith("plugins/shared/dynamo/")) ||
      (path === "plugins/reporters/html.ts" && target.startsWith("reports/")) ||
      (path === "plugins/shared/traces/trace-formats.ts" &&
        target.startsWith("plugins/trace-formats/"));
    const found = program
      .filter(({ path }) => path.startsWith("plugins/") && dirname(path) !== "plugins")
      .flatMap((source) =>
        source.imports
          .filter(({ target }) => !allowed(target, source))
          .map(({ target }) => `${source.path} -> ${target}`),
      );
    expect(found).toEqual([]);
  });

  test("the page imports itself, pure parts of the core, and only types from elsewhere", () => {
    const allowed = (target: string): boolean =>
      target.startsWith("reports/") ||
      target === "uplot" ||
      target.startsWith("uplot/") ||
      (target.startsWith("core/") && isPure(target, ROOMS));
    const found = program
      .filter(({ path }) => path.startsWith("reports/") && path !== "reports/bundle.ts")
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target, isTypeOnly }) => !isTypeOnly && !allowed(target))
          .map(({ target }) => `${path} -> ${target}`),
      );
    expect(found).toEqual([]);
  });
});

describe("pure rooms", () => {
  test("touch no clock, file, socket, environment or chance, and import nothing that does", () => {
    expect(impure(program, ROOMS)).toEqual([]);
  });

  test("models and draws use the portable functions, not libm", () => {
    const models = program.filter(
      ({ path }) =>
        isPure(path, ROOMS) &&
        !within("core/metrics", "core/statistics", "core/plan", "reports")({ path }) &&
        path !== "core/base/portable-math.ts",
    );
    expect(libm(models)).toEqual([]);
  });

  test("only clock.ts reads the clock, and only random.ts makes chance", () => {
    const found = program
      .filter(({ path }) => path.startsWith("core/") && path !== "core/system/clock.ts")
      .filter(({ text }) => /Date\.now|process\.hrtime|Math\.random/.test(codeOf(text)));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe("packages", () => {
  const homes: Record<string, RegExp> = {
    citty: /^core\/cli\//,
    consola: /^core\/cli\//,
    valibot: /^(core|release)\//,
    hono: /^(core\/gateway|plugins\/engines\/mocker)\//,
    uplot: /^reports\//,
    nats: /^plugins\/shared\/dynamo\//,
    etcd3: /^plugins\/shared\/dynamo\//,
    protobufjs: /^plugins\/shared\/dynamo\//,
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
        .filter(
          ({ target }) => isPackage(target) && target !== "bun" && !/^dynbench(\/|$)/.test(target),
        )
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

  test("files are kebab-case", () => {
    const odd = program.filter(({ path }) => !/^[a-z0-9/.-]+$/.test(path));
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  test("files have at most 400 lines, functions at most 70", () => {
    expect([...longFiles(program), ...longFunctions(program)]).toEqual([]);
  });

  test("each file says what it is for", () => {
    const silent = program.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test("no inheritance but of errors, no enums, no default exports", () => {
    const found = program.filter(({ text }) =>
      /\bclass \w+ extends (?!\w*(Error|Fault)\b)|^export default|^(export )?enum /m.test(
        codeOf(text),
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
