/** The npm packages as npm installs them, from files and without a network, around a small script. */
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../core/base/version.ts";
import { packBinary, packProgram } from "../../release/pack-npm.ts";
import { TARGETS } from "../../release/targets.ts";
import { emptyFolder } from "../cli/binary.ts";

const folder = emptyFolder();
const tarballs = join(folder, "tarballs");
const project = join(folder, "project");
const HERE = TARGETS.find(({ name }) => name === `${process.platform}-${process.arch}`)!;
const PROGRAM = join(tarballs, `dynbench-${VERSION}.tgz`);
const BINARY = join(tarballs, `dynbench-${HERE.name}-${VERSION}.tgz`);

/** `exit N` ends with that code, `wait` waits for a signal, anything else is printed. */
const SCRIPT = `#!/bin/sh
case $1 in
  exit) exit "$2" ;;
  wait) trap 'echo ended; exit 7' TERM; echo waiting; while :; do sleep 1 >&2 & wait; done ;;
  *) echo "dynbench got $*" ;;
esac
`;

const ENVIRONMENT = {
  ...{ PATH: process.env.PATH!, HOME: folder, npm_config_cache: join(folder, "cache") },
  ...{ npm_config_update_notifier: "false", npm_config_offline: "true" },
};

function run(command: readonly string[], cwd = project) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env: ENVIRONMENT });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

beforeAll(() => {
  for (const name of ["tarballs", "project", "stage"]) mkdirSync(join(folder, name));
  const places = { out: tarballs, stage: join(folder, "stage") };
  const binary = join(folder, "binary");
  writeFileSync(binary, SCRIPT);
  chmodSync(binary, 0o755);
  packBinary(HERE, { binary, licences: "LICENSE" }, places);
  packProgram(TARGETS, places);
  writeFileSync(join(project, "package.json"), `{"private":true}`);
  const installed = run(["npm", "install", "--no-audit", "--no-fund", PROGRAM, BINARY]);
  if (installed.exitCode !== 0) throw new Error(installed.stderr);
});

describe("npm packages", () => {
  test("a project gets the command, with the binary of its machine and no other", () => {
    expect(run(["npx", "--no-install", "dynbench", "--version", "a b"])).toMatchObject({
      stdout: "dynbench got --version a b\n",
      exitCode: 0,
    });
    const names = readdirSync(join(project, "node_modules"))
      .toSorted()
      .filter((one) => !one.startsWith("."));
    expect(names).toEqual(["dynbench", `dynbench-${HERE.name}`]);
  });

  test("npm i -g puts it under the prefix", () => {
    const prefix = join(folder, "prefix");
    const flags = ["--global", "--prefix", prefix, "--no-audit", "--no-fund"];
    expect(run(["npm", "install", ...flags, PROGRAM, BINARY]).exitCode).toBe(0);
    expect(run([join(prefix, "bin/dynbench"), "run"]).stdout).toBe("dynbench got run\n");
  });

  test("the binary's exit code is the command's", () => {
    expect(run(["node_modules/.bin/dynbench", "exit", "5"]).exitCode).toBe(5);
  });

  test("a signal reaches the binary, which ends in its own way", async () => {
    const child = Bun.spawn(["node_modules/.bin/dynbench", "wait"], {
      cwd: project,
      stdout: "pipe",
    });
    let printed = "";
    for await (const bytes of child.stdout) {
      printed += Buffer.from(bytes).toString();
      if (printed === "waiting\n") child.kill("SIGTERM");
    }
    expect({ printed, exitCode: await child.exited }).toEqual({
      printed: "waiting\nended\n",
      exitCode: 7,
    });
  });

  test("types are there for an editor, and running a plugin outside fails with where it runs", () => {
    writeFileSync(
      join(project, "plugin.ts"),
      `import { defineRouter, v } from "dynbench";\nimport { testRouter } from "dynbench/testing";\n` +
        `const wrong: number = defineRouter;\nexport { testRouter, v, wrong };\n`,
    );
    const compiler = join(import.meta.dir, "../../node_modules/typescript/bin/tsc");
    const flags = ["--noEmit", "--module", "nodenext", "--target", "esnext", "--skipLibCheck"];
    const checked = run([process.execPath, compiler, ...flags, "--types", "", "plugin.ts"]);
    expect(checked.stdout.match(/error TS\d+/g)).toEqual(["error TS2322"]); // of the wrong number alone
    const loaded = run(["node", "-e", 'require("dynbench")']);
    expect(loaded.stderr).toContain("A plugin runs inside the program: dynbench run --plugin");
  });

  test("without the binary's package it names the missing one", () => {
    const installed = join(project, "node_modules", `dynbench-${HERE.name}`);
    renameSync(installed, `${installed}-away`);
    const { stderr, exitCode } = run(["node_modules/.bin/dynbench"]);
    renameSync(`${installed}-away`, installed);
    expect(stderr).toBe(
      `dynbench: the package dynbench-${HERE.name} is not installed. Install again, without --omit=optional.\n`,
    );
    expect(exitCode).toBe(1);
  });
});
