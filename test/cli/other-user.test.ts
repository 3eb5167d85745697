/** The binary as a user with few rights: a folder of its own, a missing home, a small disk. */
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  binary,
  dynbench,
  emptyFolder,
  TINY,
  TINY_ENGINE,
  type Details,
  type Outcome,
} from "./binary.ts";

const IS_ROOT = process.getuid?.() === 0;
/** Root may write anywhere, so the tests run as user nobody; other users run them as they are. */
const AS_NOBODY = IS_ROOT ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

const folder = emptyFolder();
const copy = join(folder, "bin/dynbench");
const locked = join(folder, "locked");
const own = join(folder, "own");

beforeAll(() => {
  for (const name of ["bin", "locked", "own"]) mkdirSync(join(folder, name));
  copyFileSync(binary(), copy);
  chmodSync(copy, 0o755);
  writeFileSync(join(locked, "secret.yaml"), "isl: 5");
  writeFileSync(join(locked, "secret.ts"), "export default 1;");
  for (const name of ["secret.yaml", "secret.ts"]) chmodSync(join(locked, name), 0o000);
  chmodSync(folder, 0o755);
  chmodSync(own, 0o777);
  for (const name of ["bin", "locked"]) chmodSync(join(folder, name), 0o555);
});

const nobody = (cwd: string, args: readonly string[], env: Details["env"] = {}): Promise<Outcome> =>
  dynbench(args, { cwd, binary: copy, isBare: true, wrapper: AS_NOBODY, env });

describe("a user without rights", () => {
  test.each([
    ["no home", {}],
    ["a home that is locked", { HOME: locked }],
    ["a home that is not there", { HOME: "/nowhere" }],
  ])("with %s runs from a folder of its own", async (what, env) => {
    const out = what.replaceAll(" ", "-");
    const end = await nobody(own, ["run", ...TINY, "--out", out, "--json"], env);
    expect([0, 5]).toContain(end.exitCode!);
    expect(end.left).toEqual([]);
    expect(JSON.parse(end.stdout).cells[0].requests.ok).toBe(10);
  });

  const refused: [why: string, args: string[], says: string][] = [
    ["results in the folder where it is", ["run", ...TINY], `results to ${locked}/runs/`],
    ["results elsewhere", ["run", ...TINY, "--out", "/root/x"], "Cannot write results to /root/x"],
    ["a config", ["plan", "--config", "secret.yaml"], "Cannot read secret.yaml"],
    ["a plugin", ["plan", "--plugin", "secret.ts"], "Cannot load plugin secret.ts"],
    [
      "a plugin folder",
      ["plugin", "add", "./secret.ts", "--plugin-folder", "p"],
      `Cannot add "${locked}/secret.ts": ${locked}/p`,
    ],
    ["logs", ["up", ...TINY_ENGINE, "--out", "logs"], `Cannot write logs to ${locked}/logs`],
  ];
  test.each(refused)("gets an error that it may not use %s", async (_why, args, says) => {
    const end = await nobody(locked, args);
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(says);
    expect(end.stderr).toContain(": permission denied\n");
  });

  test.each([
    ["test", [], 'Cannot test "."'],
    ["pack", ["/nowhere.js"], 'Cannot pack "/nowhere.js"'],
  ])("is told that there is no place for what plugin %s writes", async (verb, words, says) => {
    const end = await nobody(locked, ["plugin", verb, ...words], { TMPDIR: locked });
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(`${says}: ${locked}: permission denied\nName another folder`);
  });

  test("gets an error that there is no place for temporary logs", async () => {
    const end = await nobody(locked, ["up", ...TINY_ENGINE], { TMPDIR: locked });
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(`Cannot write logs to ${locked}: permission denied\n`);
  });

  test("gets an error that there is no place for standard input", async () => {
    const trace = ["run", "--workload", "mooncake", "--trace", "-"];
    const piped = await nobody(locked, trace, { TMPDIR: locked });
    expect(piped).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(piped.stderr).toStartWith(`Cannot keep standard input: ${locked}: permission denied\n`);
  });
});

/** A disk of 200 KB that is gone with the process; not every machine lets root have one. */
const SMALL_DISK = ["unshare", "--mount", "sh", "-c"];
const mount = 'mount -t tmpfs -o size=200k tmpfs disk && exec "$0" "$@"';
const hasSmallDisk = (): boolean => {
  mkdirSync(join(own, "disk"), { recursive: true });
  return IS_ROOT && Bun.spawnSync([...SMALL_DISK, mount, "true"], { cwd: own }).success;
};

if (IS_ROOT) {
  test("a read-only file system is a fault and no bug, whatever would be written", async () => {
    const only = 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$0" "$@"';
    const wrapper = ["unshare", "--mount", "sh", "-c", only];
    if (!Bun.spawnSync([...wrapper, "true"], { cwd: own }).success) return;
    const row = '{"timestamp":0,"input_length":600,"output_length":5,"hash_ids":[0,1]}\n';
    writeFileSync(join(own, "row.jsonl"), row);
    for (const args of [
      ["run", ...TINY],
      ["trace", "convert", "row.jsonl", "--out", "more.jsonl"],
      ["run", "--workload", "mooncake", "--trace", "-"],
    ]) {
      const end = await dynbench(args, { cwd: own, wrapper, env: { TMPDIR: own } });
      expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 2, left: [] });
      expect(end.stderr).toContain("the file system is read-only\n");
      expect(end.stderr).not.toContain("    at "); // no stack
    }
  });

  test("a network without loopback is found before anything starts, by the doctor too", async () => {
    const wrapper = ["unshare", "--net"];
    if (!Bun.spawnSync([...wrapper, "true"]).success) return;
    const said = "Cannot use 127.0.0.1 for programs of this machine: it takes no connections";
    for (const command of ["run", "up"]) {
      const end = await dynbench([command, ...TINY_ENGINE, "--out", "net"], { cwd: own, wrapper });
      expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 3, left: [] });
      expect(end.stderr).toStartWith(said);
      expect(existsSync(join(own, "net"))).toBe(false);
    }
    const { stdout } = await dynbench(["doctor", "--json"], { cwd: own, wrapper });
    expect(JSON.parse(stdout).checks).toContainEqual(
      expect.objectContaining({ name: "IPv4 loopback", state: "fault" }),
    );
  });

  test("a full disk ends the run with a message and keeps what was measured", async () => {
    if (!hasSmallDisk()) return; // the limit on file sizes in bad-input.test.ts covers it
    const args = ["run", ...TINY, "--requests", "2000", "--out", "disk/r"];
    const end = await dynbench(args, { cwd: own, wrapper: [...SMALL_DISK, mount] });
    expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 4, left: [] });
    expect(end.stderr).toContain("records.jsonl: no space left on the device");
    expect(end.stderr).toContain("--resume");
    expect(end.stdout).not.toContain("Report:");
    expect(end.stderr).not.toContain("    at "); // no stack
  });
}
