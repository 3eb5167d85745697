import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { optionSpecs } from "../../core/plan/option-spec.ts";
import { isSecretName } from "../../core/plan/secret-words.ts";
import { BUNDLED } from "../../plugins/bundled.ts";
import { TRACE_FORMATS } from "../../plugins/shared/traces/trace-formats.ts";
import { bundledModules } from "../../release/bundled.ts";

const PLUGINS = join(import.meta.dir, "../../plugins");

test("the lists are those of the folders: if not, npm run bundled writes them anew", () => {
  const modules = bundledModules();
  const written = Object.keys(modules).map((path) => [
    path,
    readFileSync(join(PLUGINS, path), "utf8"),
  ]);
  expect(Object.fromEntries(written)).toEqual(modules);
});

test("a plugin is named after its file, and lies in the folder of its kind", () => {
  const listed = Object.values(bundledModules()).flatMap((text) => [
    ...text.matchAll(/from "\.[^"]*?([a-z-]+)\/(?:[a-z-]+\/)?([a-z0-9-]+)\.ts"/g),
  ]);
  const names = listed.map(([, folder, name]) => `${folder}/${name}`);
  const known = [
    ...BUNDLED.map(({ kind, name }) => `${kind}s/${name}`),
    ...TRACE_FORMATS.map(({ name }) => `trace-formats/${name}`),
  ];
  expect(names.toSorted()).toEqual(known.toSorted());
});

test("a default lies in the range over which it is tuned", () => {
  const outside = BUNDLED.flatMap(({ name, options }) =>
    optionSpecs(options)
      .filter(({ tune, default: preset }) => {
        if (tune === undefined || typeof preset !== "number") return false;
        return preset < tune.from || preset > tune.to;
      })
      .map(({ flag }) => `${name} --${flag}`),
  );
  expect(outside).toEqual([]);
});

test("no option that is tuned has a name that masks its value", () => {
  const masked = BUNDLED.flatMap(({ name, options }) =>
    optionSpecs(options)
      .filter(({ tune, flag }) => tune !== undefined && isSecretName(flag))
      .map(({ flag }) => `${name} --${flag}`),
  );
  expect(masked).toEqual([]);
});
