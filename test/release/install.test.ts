/** install.sh against a server on loopback, with dash, and a release of a few bytes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipped, sha256, tarOf } from "../../release/archive.ts";
import { emptyFolder } from "../cli/binary.ts";

const folder = emptyFolder();
const SCRIPT = join(import.meta.dir, "../../release/install.sh");
const SHELL = Bun.which("dash") ?? "sh";

/** The programs of a machine, for example one without curl. */
const TOOLS = [
  ...["tar", "gzip", "mktemp", "sed", "rm", "mkdir", "cp", "mv", "chmod", "cut", "sha256sum"],
  ...["cat", "sh", "uname", "ldd"],
];

let server: ReturnType<typeof Bun.serve>;
let released: string;

/** A release file whose dynbench is a script that prints its version. */
async function addTarget(target: string, script = `#!/bin/sh\necho "9.9.9"\n`): Promise<string> {
  const name = `dynbench-9.9.9-${target}`;
  const stage = join(emptyFolder(), name);
  mkdirSync(stage);
  writeFileSync(join(stage, "dynbench"), script);
  chmodSync(join(stage, "dynbench"), 0o755);
  const file = join(released, `${name}.tar.gz`);
  writeFileSync(file, gzipped(tarOf(stage, 0), 1));
  return `${await sha256(file)}  ${name}.tar.gz\n`;
}

beforeAll(async () => {
  released = join(folder, "released");
  mkdirSync(released);
  const sums = [
    await addTarget("linux-x64"),
    await addTarget("linux-x64-musl"),
    await addTarget("linux-arm64"),
    await addTarget("darwin-arm64"),
    await addTarget("linux-arm64-musl", "#!/bin/sh\necho 'no libstdc++.so.6' >&2\nexit 127\n"),
  ];
  const npm = `${"0".repeat(64)}  dynbench-linux-x64-9.9.9.tgz\n`;
  writeFileSync(join(released, "SHA256SUMS"), [...sums, npm].join(""));
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const [, release, name] = pathname.split("/");
      const sums = readFileSync(join(released, "SHA256SUMS"), "utf8");
      if (name === "SHA256SUMS" && release === "wrong") {
        return new Response(sums.replace(/^[0-9a-f]{2}/gm, "00"));
      }
      if (name === "SHA256SUMS" && release === "twice") return new Response(sums + sums);
      if (release === "missing" && name !== "SHA256SUMS") return new Response("", { status: 404 });
      if (!["good", "wrong", "twice", "missing"].includes(release!)) {
        return new Response("", { status: 404 });
      }
      return new Response(Bun.file(join(released, name!)));
    },
  });
});
afterAll(() => server.stop(true));

interface Machine {
  readonly system?: string;
  readonly machine?: string;
  readonly libc?: string;
  readonly fetcher?: "curl" | "wget" | "none";
  /** Environment beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A PATH on which uname and ldd print what they would on such a machine. */
function pathOf({
  system = "Linux",
  machine = "x86_64",
  libc = "GLIBC",
  fetcher = "curl",
}: Machine) {
  const bin = emptyFolder();
  for (const tool of [...TOOLS, ...(fetcher === "none" ? [] : [fetcher])]) {
    symlinkSync(Bun.which(tool)!, join(bin, tool));
  }
  const say = (name: string, script: string): void => {
    Bun.spawnSync(["rm", join(bin, name)]);
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  say("uname", `[ "$1" = -s ] && echo ${system} || echo ${machine}`);
  // musl's ldd has no --version: it names itself and fails.
  say(
    "ldd",
    libc === "musl" ? "echo 'musl libc (x86_64)' >&2; exit 1" : "echo 'ldd (GNU libc) 2.36'",
  );
  return bin;
}

function install(release: string, on: Machine = {}, args: readonly string[] = []) {
  const home = emptyFolder();
  const from = release === "" ? [] : ["--from", `http://127.0.0.1:${server.port}/${release}`];
  const run = Bun.spawn([SHELL, SCRIPT, ...from, ...args], {
    env: { PATH: pathOf(on), HOME: home, TMPDIR: home, ...on.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  return Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]).then(([stdout, stderr, exitCode]) => ({
    ...{ stdout, stderr, exitCode, home },
    left: readdirSync(home).filter((name) => name.startsWith("dynbench-install")),
  }));
}

describe("install.sh", () => {
  test.each([
    ["linux-x64", {}],
    ["linux-x64", { fetcher: "wget" }],
    ["linux-x64-musl", { libc: "musl" }],
    ["linux-arm64", { machine: "aarch64" }],
    ["darwin-arm64", { system: "Darwin", machine: "arm64" }],
  ] as const)("installs %s where %j", async (target, machine) => {
    const { stdout, stderr, exitCode, home, left } = await install("good/", machine);
    expect({ stderr, exitCode, left }).toEqual({ stderr: "", exitCode: 0, left: [] });
    const path = join(home, ".local/bin/dynbench");
    expect(stdout).toContain(`Installed dynbench 9.9.9 (${target}) as ${path}\n`);
    expect(stdout).toContain("is not in PATH");
    expect(Bun.spawnSync([path]).stdout.toString()).toBe("9.9.9\n");
    expect(readdirSync(join(home, ".local/bin"))).toEqual(["dynbench"]);
  });

  test("a folder can be given, and an older dynbench in it is replaced", async () => {
    const to = join(emptyFolder(), "some where");
    mkdirSync(to);
    writeFileSync(join(to, "dynbench"), "old");
    const { exitCode, home } = await install("good", {}, ["--to", to]);
    expect(exitCode).toBe(0);
    expect(Bun.spawnSync([join(to, "dynbench")]).stdout.toString()).toBe("9.9.9\n");
    expect(existsSync(join(home, ".local"))).toBe(false);
  });

  test.each([
    ["wrong", {}, /damaged or was changed: nothing was installed\n {2}its SHA-256 is/],
    ["missing", {}, /cannot fetch http:.*\/missing\/dynbench-9\.9\.9-linux-x64\.tar\.gz/],
    [
      "nowhere",
      {},
      /cannot fetch http:.*\/nowhere\/SHA256SUMS: is this the address of a release\?/,
    ],
    ["twice", {}, /has several files for linux-x64/],
    ["", {}, /name the address of the release/],
    ["good", { system: "FreeBSD" }, /there is no dynbench for FreeBSD/],
    ["good", { machine: "riscv64" }, /there is no dynbench for the processor riscv64/],
    ["good", { system: "Darwin" }, /has nothing for darwin-x64/],
    ["good", { fetcher: "none" }, /needs curl or wget/],
    ["good", { machine: "aarch64", libc: "musl" }, /no libstdc[^]*apk add libstdc\+\+/],
    ["good", { env: { HOME: "" } }, /HOME is not set, so name a folder/],
    ["good", { env: { DYNBENCH_TO: "/proc/x" } }, /cannot make the folder \/proc\/x/],
  ] as const)("release %j on %j installs nothing and says why", async (release, machine, why) => {
    const { stdout, stderr, exitCode, home, left } = await install(release, machine);
    expect(stderr).toMatch(why);
    expect({ stdout, exitCode, left }).toEqual({ stdout: "", exitCode: 1, left: [] });
    expect(existsSync(join(home, ".local/bin/dynbench"))).toBe(false);
  });

  test("an unknown option is refused", async () => {
    const { stderr, exitCode } = await install("good", {}, ["--form", "x"]);
    expect(stderr).toContain("there is no option --form. Usage: sh install.sh");
    expect(exitCode).toBe(1);
  });
});
