/**
 * A release of two targets at the lowest compression: made twice, installed from a server on loopback
 * and by npm from files; and the whole life of a plugin with nothing but the installed binary. Needs
 * DYNBENCH_REAL=1; Bun fetches the runtime of the other target.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../../core/base/version.ts";
import { installed, isRealRun } from "./programs.ts";

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "dynbench-release-"));
afterAll(() => rmSync(folder, { recursive: true }));
const loader = installed("platforms/musl/loader");

const run = (command: readonly string[], cwd: string, env: Record<string, string>) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};

function release(out: string): string {
  const quick = ["--target", "linux-x64,linux-x64-musl", "--gzip-level", "1", "--zstd-level", "1"];
  const command = [process.execPath, "release/release.ts", "--allow-modified", ...quick];
  const { exitCode, stderr } = Bun.spawnSync([...command, "--out", out], { cwd: root });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return readFileSync(join(out, "SHA256SUMS"), "utf8");
}

describe.skipIf(!isRealRun())("a release (skipped without DYNBENCH_REAL=1)", () => {
  const dist = join(folder, "dist");
  const home = join(folder, "home");
  const bin = join(home, ".local/bin");
  const BARE = { HOME: home, PATH: `${bin}:/usr/bin:/bin` };
  let sums: string;

  beforeAll(() => {
    mkdirSync(home);
    sums = release(dist);
  });

  test("the same source gives the same bytes, in another folder too", () => {
    expect(release(join(folder, "again", "elsewhere"))).toBe(sums);
    expect(
      sums
        .trim()
        .split("\n")
        .map((line) => line.slice(66)),
    ).toEqual([
      "LICENSES.txt",
      "RELEASE_NOTES.md",
      `dynbench-${VERSION}-linux-x64-musl.tar.gz`,
      `dynbench-${VERSION}-linux-x64-musl.tar.zst`,
      `dynbench-${VERSION}-linux-x64.tar.gz`,
      `dynbench-${VERSION}-linux-x64.tar.zst`,
      `dynbench-${VERSION}.tgz`,
      `dynbench-linux-x64-${VERSION}.tgz`,
      `dynbench-linux-x64-musl-${VERSION}.tgz`,
      "dynbench.1",
      "dynbench.cdx.json",
      "install.sh",
    ]);
  });

  test("from the download to a plugin, with the binary alone", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => new Response(Bun.file(join(dist, new URL(request.url).pathname))),
    });
    const from = `http://127.0.0.1:${server.port}`;
    const script = `curl -fsSL ${from}/install.sh | sh -s -- --from ${from}`;
    const install = Bun.spawn(["sh", "-c", script], { cwd: home, env: BARE, stdout: "pipe" });
    const said = await new Response(install.stdout).text();
    await server.stop();
    expect(said).toBe(`Installed dynbench ${VERSION} (linux-x64) as ${bin}/dynbench\n`);

    const dynbench = (...args: string[]) => run(["dynbench", ...args], home, BARE);
    const isGood = ({ exitCode }: { exitCode: number }) => [0, 5].includes(exitCode);
    const small = ["--workers", "2", "--isl", "500", "--osl", "5", "--requests", "20"];
    const point = ["--prefix-ratio", "0.5", "--speedup", "10"];
    expect(dynbench("plugin", "new", "router", "mine").exitCode).toBe(0);
    const source = readFileSync(join(home, "mine/mine.ts"), "utf8");
    const edited = source.replace(/summary: "[^"]*"/, 'summary: "Edited by hand"');
    expect(edited).not.toBe(source);
    writeFileSync(join(home, "mine/mine.ts"), edited);
    expect(dynbench("plugin", "add", "./mine").exitCode).toBe(0);
    expect(dynbench("plugin", "list").stdout).toContain("Edited by hand");
    const live = dynbench("run", "--router", "mine", ...small, ...point, "--json");
    expect(isGood(live)).toBe(true);
    expect(JSON.parse(live.stdout).cells[0].requests.ok).toBe(20);
    const virtual = dynbench("run", "--router", "mine", "--clock", "virtual", ...small, ...point);
    expect(virtual.stdout).toContain("mine");
    expect(isGood(virtual)).toBe(true);
    expect(dynbench("plugin", "pack", "./mine").exitCode).toBe(0);
    expect(dynbench("plugin", "remove", "mine").exitCode).toBe(0);
    expect(dynbench("plan", "--router", "mine").exitCode).toBe(2);
    expect(dynbench("plan", "--plugin", "./mine.js", "--router", "mine").exitCode).toBe(0);
  });

  test("npm installs it from files, offline, in a project and globally", () => {
    const project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), "{}");
    const env = { HOME: home, PATH: process.env.PATH!, npm_config_offline: "true" };
    const names = [`dynbench-${VERSION}.tgz`, `dynbench-linux-x64-${VERSION}.tgz`];
    const files = names.map((name) => join(dist, name));
    expect(run(["npm", "install", "--no-audit", ...files], project, env).exitCode).toBe(0);
    const asked = run(["npx", "--no-install", "dynbench", "--version", "--json"], project, env);
    expect(JSON.parse(asked.stdout)).toMatchObject({ version: VERSION, target: "linux-x64" });
    const prefix = join(folder, "prefix");
    const global = ["npm", "install", "--no-audit", "--global", "--prefix", prefix, ...files];
    expect(run(global, project, env).exitCode).toBe(0);
    expect(run([join(prefix, "bin/dynbench"), "--version"], home, env).stdout).toBe(`${VERSION}\n`);
  });

  test("the binary for musl is linked against musl", () => {
    const name = `dynbench-${VERSION}-linux-x64-musl`;
    run(["tar", "-xf", join(dist, `${name}.tar.gz`)], folder, { PATH: process.env.PATH! });
    expect(readdirSync(join(folder, name)).toSorted()).toEqual([
      ...["LICENSE", "LICENSES.txt", "README.md", "dynbench", "dynbench.1"],
    ]);
    const musl = [loader!, "--library-path", installed("platforms/musl")!];
    const asked = run([...musl, join(folder, name, "dynbench"), "--version", "--json"], folder, {});
    expect(JSON.parse(asked.stdout)).toMatchObject({ target: "linux-x64-musl" });
  });
});
