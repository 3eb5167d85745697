/**
 * `dynbench plugin add` from a registry, with the binary alone. The registry is on loopback, and every
 * setting that can name a registry names it, so no other is asked.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { API_VERSION, OLDEST_API_VERSION } from "../../core/contract/plugin.ts";
import { dynbench, emptyFolder, startDynbench, TINY, until, type Outcome } from "./binary.ts";
import { npmRegistry, tarballOf, type Published } from "./npm-registry.ts";

const root = emptyFolder();
const cwd = join(root, "work");
const home = join(root, "home");
const packages = join(home, ".local/share/dynbench/plugins");
const marks = join(root, "marks");
const registry = npmRegistry();
/** Every setting that names a registry to the package manager. */
const env = {
  HOME: home,
  npm_config_registry: registry.url,
  NPM_CONFIG_REGISTRY: registry.url,
  BUN_CONFIG_REGISTRY: registry.url,
};

const alone = (...args: string[]): Promise<Outcome> => dynbench(args, { cwd, isBare: true, env });
const add = (spec: string, ...more: string[]): Promise<Outcome> =>
  alone("plugin", "add", spec, ...more);
/** The content of a plugin folder, unfinished entries included. */
const held = (folder = packages): string[] =>
  existsSync(folder) ? readdirSync(folder).toSorted() : [];

/** A router as plain JavaScript, which takes its summary from a package of its own. */
const routerCode = (name: string, more = ""): string => `
import { v } from "dynbench";
import words from "few-words";
export default {
  kind: "router", name: "${name}", summary: words, plane: "http", ${more}
  options: v.strictObject({}),
  traits: () => ({ accepts: ["ids", "text", "chat"], affinity: false, spreads: false, kvEvents: false }),
  policy: () => ({ reads: [], pick: (_request, view) => view.eligible[0] }),
};`;

const dependencies = { "few-words": "^1.0.0" };
/** Scripts that would leave a mark. */
const scripts = Object.fromEntries(
  ["preinstall", "install", "postinstall", "prepare"].map((name) => [
    name,
    `touch ${marks}/${name}`,
  ]),
);
const routerPackage = (name: string, version: string, more?: Partial<Published>): Published => ({
  name,
  version,
  files: { "index.js": routerCode(name.split("/").at(-1)!) },
  manifest: { dependencies, scripts, peerDependencies: { dynbench: "^9.0.0" } },
  ...more,
});

beforeAll(() => {
  for (const folder of [cwd, home, marks]) mkdirSync(folder);
  registry.publish({
    name: "few-words",
    version: "1.4.0",
    files: { "index.js": 'export default "words of another package";' },
    manifest: { scripts },
  });
  registry.publish(routerPackage("first-worker", "1.0.0"));
  registry.publish(routerPackage("first-worker", "1.1.0"));
  registry.publish(routerPackage("@somebody/scoped", "0.3.0"));
});

describe("a package of the registry", () => {
  test("is added with its dependencies, and runs without the registry", async () => {
    const added = await add("first-worker");
    expect(added).toMatchObject({ exitCode: 0, left: [] });
    expect(added.stdout).toBe("Added first-worker 1.1.0: router first-worker\n");
    registry.answer("", () => new Response("", { status: 503 }));
    const shown = await alone("plugin", "show", "first-worker");
    expect(shown.stdout).toContain("words of another package");
    const ran = await alone("run", ...TINY, "--router", "first-worker", "--clock", "virtual");
    registry.answer("", undefined);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain("first-worker");
  });

  test("runs no install script, of its own or of its dependencies, and requests nothing else", async () => {
    const before = registry.asked.length;
    expect((await add("first-worker@1.0.0")).exitCode).toBe(0);
    expect(readdirSync(marks)).toEqual([]);
    expect(registry.asked).toContain("few-words");
    const asked = registry.asked.slice(before);
    expect(asked.filter((path) => path.startsWith("dynbench"))).toEqual([]);
  });

  test("with a version is that version, and replaces another one", async () => {
    const added = await add("first-worker@1.0.0");
    expect(added.stdout).toBe("Added first-worker 1.0.0: router first-worker\n");
    expect(held().filter((name) => name.includes("first-worker"))).toEqual(["first-worker"]);
  });

  test("may have a scope, with which it is also removed", async () => {
    const before = held();
    expect((await add("@somebody/scoped")).stdout).toBe(
      "Added @somebody/scoped 0.3.0: router scoped\n",
    );
    const removed = await alone("plugin", "remove", "@somebody/scoped");
    expect(removed.stdout).toBe("Removed @somebody/scoped 0.3.0\n");
    expect(held()).toEqual(before);
  });

  test("that needs a token gets the one in ~/.npmrc", async () => {
    registry.publish(routerPackage("members-only", "1.0.0"));
    registry.answer("", ({ headers }) =>
      headers.get("authorization") === "Bearer of-a-member"
        ? undefined
        : new Response("no", { status: 401 }),
    );
    const refused = await add("members-only");
    expect(refused.stderr).toContain("or a token for this one, in ~/.npmrc");
    const { host } = new URL(registry.url);
    writeFileSync(join(home, ".npmrc"), `//${host}/:_authToken=of-a-member\n`);
    const added = await add("members-only");
    registry.answer("", undefined);
    rmSync(join(home, ".npmrc"));
    expect(added.stdout).toBe("Added members-only 1.0.0: router members-only\n");
    await alone("plugin", "remove", "members-only");
  });

  test("comes as a tarball as well, its dependencies from the registry", async () => {
    writeFileSync(join(cwd, "carried.tgz"), tarballOf(routerPackage("carried", "2.0.0")));
    expect((await add("./carried.tgz")).stdout).toBe("Added carried 2.0.0: router carried\n");
    await alone("plugin", "remove", "carried");
  });
});

test("a plugin with dependencies can be packed once they are installed, and then runs without them", async () => {
  const folder = join(cwd, "leaning");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.js"), routerCode("leaning"));
  const manifest = { name: "leaning", exports: "./index.js", dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const install = "BUN_BE_BUN=1 dynbench install --production";
  for (const args of [
    ["pack", "./leaning"],
    ["show", "leaning", "--plugin", "leaning/index.js"],
  ]) {
    const early = await alone("plugin", ...args);
    expect(early).toMatchObject({ exitCode: 2, stdout: "" });
    expect(early.stderr).toContain("few-words");
    expect(early.stderr).toContain(install);
  }
  const [assignment, , ...words] = install.split(" ");
  const installed = await dynbench(words, {
    ...{ cwd: folder, isBare: true },
    env: { ...env, [assignment!.split("=")[0]!]: "1" },
  });
  expect(installed.exitCode).toBe(0);
  expect((await alone("plugin", "pack", "./leaning")).exitCode).toBe(0);
  rmSync(folder, { recursive: true });
  const shown = await alone("plugin", "show", "leaning", "--plugin", "leaning.js");
  expect(shown.stdout).toContain("words of another package");
});

describe("the plugin folder of a project", () => {
  const project = ["--plugin-folder", "dynbench.plugins"];

  test("holds what was added to it, and none of it runs unless named", async () => {
    expect((await add("first-worker", ...project)).exitCode).toBe(0);
    expect(held(join(cwd, "dynbench.plugins"))).toEqual(["first-worker"]);
    await alone("plugin", "remove", "first-worker");
    const unnamed = await alone("plugin", "show", "first-worker");
    expect(unnamed).toMatchObject({ exitCode: 2, stdout: "" });
    const run = ["run", ...TINY, "--router", "first-worker", "--clock", "virtual"];
    expect((await alone(...run)).exitCode).toBe(2);
    expect((await alone(...run, ...project)).exitCode).toBe(0);
    const config = { pluginFolder: "dynbench.plugins", router: "first-worker" };
    writeFileSync(join(cwd, "project.json"), JSON.stringify(config));
    const configured = ["run", "--config", "project.json", ...TINY, "--clock", "virtual"];
    expect((await alone(...configured)).exitCode).toBe(0);
    const without = await alone(...configured, "--no-plugins");
    expect(without).toMatchObject({ exitCode: 2, stdout: "" });
  });

  test("a plugin in the current folder does not run, whatever its name", async () => {
    const folder = join(root, "strewn");
    const code = `require("node:fs").writeFileSync("${marks}/strewn", "");`;
    const files = ["index.js", "plugin.ts", "dynbench.ts", "dynbench.config.ts", "kv.ts"];
    mkdirSync(join(folder, "dynbench.plugins/x/node_modules/x"), { recursive: true });
    mkdirSync(join(folder, "node_modules/dynbench"), { recursive: true });
    const inside = ["dynbench.plugins/x/node_modules/x/index.js", "node_modules/dynbench/index.js"];
    for (const file of [...files, ...inside]) writeFileSync(join(folder, file), code);
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./index.js"]\n');
    const manifest = { name: "x", exports: "./index.js", dynbench: { plugins: ["./index.js"] } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    for (const args of [
      ["plugin", "list"],
      ["plan", ...TINY],
    ]) {
      const { exitCode } = await dynbench(args, { cwd: folder, isBare: true, env });
      expect(exitCode).toBe(0);
    }
    expect(existsSync(join(marks, "strewn"))).toBe(false);
  });
});

describe("what the registry does not give leaves nothing and is reported in a message", () => {
  const refusing = (status: number) => () => new Response("no", { status });
  test.each([
    ["no such package", "missing", undefined, "the registry has no such package (404 of http"],
    ["no token", "no-token", refusing(401), "the registry refuses it (401 of http"],
    ["a token of no use", "forbidden", refusing(403), "the registry refuses it (403 of http"],
    ["something else", "words", () => new Response("hello"), "is no description of a package"],
    ["no such version", "first-worker@9.0.0", undefined, "the registry has no version 9.0.0 of it"],
  ])("%s", async (_what, spec, response, words) => {
    registry.answer(spec, response);
    const before = held();
    const end = await add(spec);
    registry.answer(spec, undefined);
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(`Cannot add "${spec}": `);
    expect(end.stderr).toContain(words);
    expect(held()).toEqual(before);
  });

  test("a registry that fails after every retry", async () => {
    registry.answer("failing", refusing(500));
    const end = await add("failing");
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain("the registry answers 500 to http");
    expect(end.stderr).toContain("dynbench plugin pack");
  });

  test("no network", async () => {
    const end = await dynbench(["plugin", "add", "first-worker"], {
      ...{ cwd, isBare: true, env: { HOME: home } }, // a port without a listener
    });
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain("the registry cannot be reached for first-worker");
    expect(end.stderr).toContain("dynbench plugin pack");
  });

  test("a missing dependency is named", async () => {
    const manifest = { dependencies: { "gone-since": "1.0.0" } };
    registry.publish(routerPackage("leaning", "1.0.0", { manifest }));
    const end = await add("leaning");
    expect(end).toMatchObject({ exitCode: 2, left: [] });
    expect(end.stderr).toContain("/gone-since)");
    expect(held()).not.toContain("leaning");
  });

  test("a tarball that differs from the published one", async () => {
    registry.publish(routerPackage("swapped", "1.0.0"));
    const other = tarballOf(routerPackage("swapped", "1.0.1"));
    registry.answer("swapped/-/", () => new Response(other));
    const end = await add("swapped");
    expect(end).toMatchObject({ exitCode: 2, left: [] });
    expect(end.stderr).toContain("swapped is not the one that the registry names");
    expect(held()).not.toContain("swapped");
  });
});

describe("what is no plugin for this program leaves nothing and is reported in a message", () => {
  beforeAll(async () => {
    await add("first-worker@1.0.0");
  });

  const ofCode = (name: string, code: string): Published => ({
    ...{ name, version: "1.0.0", files: { "index.js": code } },
    manifest: { dependencies },
  });
  test.each<[string, Published, ...string[]]>([
    ["a library", ofCode("a-library", "export default 5;"), "it is no plugin that dynbench"],
    [
      "one for a newer contract",
      ofCode("from-later", routerCode("from-later", `apiVersion: ${API_VERSION + 1},`)),
      `version ${API_VERSION + 1} of the plugin contract`,
      "Update dynbench, or take an older version of the plugin",
    ],
    [
      "one for an older contract",
      ofCode("from-before", routerCode("from-before", `apiVersion: ${OLDEST_API_VERSION - 1},`)),
      `version ${OLDEST_API_VERSION - 1} of the plugin contract`,
      "Update the plugin",
    ],
    [
      "one whose name is a bundled one's",
      ofCode("another-kv", routerCode("kv")),
      'the name router "kv" is taken (bundled)',
    ],
    [
      "one whose name another added one has",
      ofCode("first-again", routerCode("first-worker")),
      'the name router "first-worker" is taken (/',
    ],
    [
      "one that imports what dynbench has not",
      ofCode("wishful", 'import { noSuchThing } from "dynbench"; export default noSuchThing;'),
      "noSuchThing",
      "take versions that match",
    ],
    [
      "one without a file to import",
      { ...ofCode("hollow", ""), files: { "readme.txt": "" } },
      "the package has no file to import",
    ],
    ["a package named as this program", ofCode("dynbench", ""), 'is named "dynbench"'],
  ])("%s", async (_what, published, ...words) => {
    registry.publish(published);
    const before = held();
    const end = await add(published.name);
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    for (const each of words) expect(end.stderr).toContain(each);
    expect(end.stderr).not.toContain(".adding-");
    expect(held()).toEqual(before);
  });
});

test("a tarball whose name is a path is refused by that name, and not added under another", async () => {
  const before = held();
  for (const name of ["../../evil", "a..b", ".."]) {
    writeFileSync(join(cwd, "named.tgz"), tarballOf(routerPackage(name, "1.0.0")));
    const end = await add("./named.tgz");
    expect({ name, ...end }).toMatchObject({ name, exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(`its name ${JSON.stringify(name)} is not one`);
  }
  expect(held()).toEqual(before);
});

describe("a tarball with paths outside itself", () => {
  const outside = join(root, "outside.txt");
  const wild = routerPackage("wild", "1.0.0", {
    entries: [
      { path: `package/${"../".repeat(20)}${outside.slice(1)}`, body: "out" },
      { path: outside, body: "out" },
      { path: "package/way-out", type: "2", link: root },
      { path: "package/way-out/outside.txt", body: "out" },
    ],
  });

  test("is refused where it is a file", async () => {
    writeFileSync(join(cwd, "wild.tgz"), tarballOf(wild));
    const end = await add("./wild.tgz");
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain("leads out of the package");
    expect(held()).not.toContain("wild");
    expect(existsSync(outside)).toBe(false);
  });

  test("writes nothing outside where a registry has it", async () => {
    registry.publish(wild);
    expect((await add("wild")).left).toEqual([]);
    expect(existsSync(outside)).toBe(false);
    await alone("plugin", "remove", "wild");
  });
});

test("shell syntax in a name is text: nothing runs, nothing is requested", async () => {
  const asked = registry.asked.length;
  for (const spec of [`first-worker;touch ${marks}/shell`, `$(touch ${marks}/shell)`]) {
    const end = await add(spec);
    expect({ spec, ...end }).toMatchObject({ spec, exitCode: 2, stdout: "", left: [] });
  }
  expect(registry.asked).toHaveLength(asked);
  expect(readdirSync(marks)).toEqual([]);
});

describe("an add that was cut short", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("by %s leaves nothing", async (signal) => {
    const before = held();
    const name = `endless-${signal.toLowerCase()}`;
    registry.answer(name, () => new Promise<Response>(() => {}));
    const adding = startDynbench(["plugin", "add", name], { cwd, isBare: true, env });
    expect(await until(() => registry.asked.includes(name), 10_000)).toBe(true);
    adding.signal(signal);
    const end = await adding.end();
    expect(end).toMatchObject({ exitCode: 130, stdout: "", left: [] });
    expect(end.stderr).toContain("nothing was added");
    expect(held()).toEqual(before);
  });

  test("by SIGKILL leaves no process; its unfinished folder is not taken for a plugin, and the next add removes it", async () => {
    await add("first-worker@1.0.0");
    const whole = held();
    registry.answer("first-worker/-/", () => new Promise<Response>(() => {}));
    const asked = registry.asked.length;
    const adding = startDynbench(["plugin", "add", "first-worker@1.1.0"], {
      cwd,
      isBare: true,
      env,
    });
    const isHeld = (): boolean =>
      registry.asked.slice(asked).some((path) => path.startsWith("first-worker/-/"));
    expect(await until(isHeld, 10_000)).toBe(true);
    adding.signal("SIGKILL");
    expect((await adding.end()).left).toEqual([]);
    expect(held()).toEqual([expect.stringMatching(/^\.adding-/), ...whole]);
    const listed = await alone("plugin", "list");
    expect(listed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(listed.stdout).toContain("(package first-worker 1.0.0)");
    registry.answer("first-worker/-/", undefined);
    expect((await add("first-worker")).exitCode).toBe(0);
    expect(held()).toEqual(whole);
  });

  test("while it replaced a version: the next add restores that version", async () => {
    await add("first-worker");
    await alone("plugin", "remove", "@somebody/scoped");
    const whole = held();
    const stage = join(packages, `.adding-${2 ** 22 + 1}-x`); // above any process id
    mkdirSync(join(stage, "replaced"), { recursive: true });
    renameSync(join(packages, "first-worker"), join(stage, "replaced/first-worker"));
    expect((await alone("plugin", "show", "first-worker")).exitCode).toBe(2);
    await add("@somebody/scoped");
    expect(held()).toEqual(["@somebody+scoped", ...whole]);
    expect((await alone("plugin", "show", "first-worker")).exitCode).toBe(0);
    await alone("plugin", "remove", "@somebody/scoped");
  });
});

test("a data folder that cannot be one is reported, with what to do", async () => {
  writeFileSync(join(root, "plain"), "");
  for (const data of [join(root, "plain"), "/proc/nowhere"]) {
    const end = await dynbench(["plugin", "add", "first-worker"], {
      ...{ cwd, isBare: true },
      env: { ...env, XDG_DATA_HOME: data },
    });
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(`${data}/dynbench/plugins: `);
    expect(end.stderr).toContain("--plugin-folder DIR");
  }
});
