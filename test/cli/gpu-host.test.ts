/** The binary as on GPU hosts: under nohup, with few open files, with proxies, over IPv6, as an unknown user. */
import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { binary, dynbench, emptyFolder, startDynbench, TINY, until } from "./binary.ts";

const cwd = emptyFolder();
const LONG = [...TINY, "--requests", "20000", "--preflight", "off"];
const summary = (out: string) => JSON.parse(readFileSync(join(cwd, out, "summary.json"), "utf8"));
const recordCount = (out: string): number => {
  try {
    return readFileSync(join(cwd, out, "records.jsonl"), "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
};

describe("few open files", () => {
  const limited = (files: string, args: readonly string[]) =>
    dynbench(["run", ...TINY, ...args], {
      cwd,
      wrapper: ["sh", "-c", `${files}; exec "$0" "$@"`],
    });

  test("a load that needs more is refused before anything starts", async () => {
    const load = ["--concurrency", "700", "--requests", "1000", "--out", "refused"];
    const end = await limited("ulimit -n 1024", load);
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toContain(
      "load.concurrency: open files are limited to 1024 a process here, too few for 700 requests in flight",
    );
    expect(end.stderr).toContain("ulimit -n 8192), or use --concurrency 476");
  });

  test("the stated number of requests in flight is served completely", async () => {
    const load = ["--isl", "64", "--concurrency", "44", "--requests", "400", "--preflight", "off"];
    const args = [...load, "--block-size", "16", "--router", "kv,round-robin", "--json"];
    // (160 - 64 - 4 x 2 workers) / 2
    const refused = await limited("ulimit -n 159", args);
    expect(refused.stderr).toContain("or use --concurrency 43");
    const end = await limited("ulimit -n 160", [...args, "--out", "few"]);
    expect(end.left).toEqual([]);
    for (const { requests } of JSON.parse(end.stdout).cells) {
      expect(requests).toMatchObject({ ok: 400, failed: 0 });
    }
  });

  test("a soft limit is raised to the hard one", async () => {
    const load = ["--concurrency", "700", "--requests", "800", "--out", "soft", "--json"];
    const end = await limited("ulimit -S -n 1024", [...load, "--preflight", "off"]);
    expect(JSON.parse(end.stdout).cells[0].requests).toMatchObject({ ok: 800, failed: 0 });
  });
});

describe("signals and terminals", () => {
  test("under nohup a hang-up is ignored; without, the run stops and keeps its results", async () => {
    for (const [out, wrapper] of [
      ["nohup", ["nohup"]],
      ["setsid", ["setsid"]],
    ] as const) {
      const run = startDynbench(["run", ...LONG, "--out", out], { cwd, wrapper });
      expect(await until(() => recordCount(out) >= 20, 20_000)).toBe(true);
      run.signal("SIGHUP");
      if (out === "nohup") {
        const before = recordCount(out);
        expect(await until(() => recordCount(out) > before + 200, 20_000)).toBe(true);
        run.signal("SIGINT");
      }
      expect(await run.end()).toMatchObject({ exitCode: 130, left: [] });
      expect(summary(out).cells[0].requests.ok).toBeGreaterThanOrEqual(20);
    }
  });

  test("a run survives a reader that closes its pipe", async () => {
    // Both streams end in a program that reads a line and leaves.
    const pipe = ["sh", "-c", '{ "$0" "$@" 2>&1; echo $? > code; } | head -n 1'];
    const args = ["run", ...TINY, "--out", "unread"];
    const end = await dynbench(args, { cwd, wrapper: pipe });
    expect(end.left).toEqual([]);
    expect(["0", "5"]).toContain(readFileSync(join(cwd, "code"), "utf8").trim());
    expect(summary("unread").cells[0].requests.ok).toBe(10);
  });
});

test("proxies are not used for this machine, and a note states it", async () => {
  const nobody = "http://me:s3cret@127.0.0.1:9";
  const env = { HTTP_PROXY: nobody, http_proxy: nobody, ALL_PROXY: nobody };
  const args = ["run", ...TINY, "--router", "kv,direct", "--out", "proxied"];
  const end = await dynbench(args, { cwd, env });
  expect(end.stderr).toContain(
    "ALL_PROXY, HTTP_PROXY, http_proxy: not used for engines and routers",
  );
  expect(summary("proxied").cells.map(({ requests }: any) => requests.ok)).toEqual([10, 10]);
  expect(Bun.spawnSync(["grep", "-r", "s3cret", join(cwd, "proxied")]).stdout.length).toBe(0);
});

const hasIpv6 = (): boolean => {
  try {
    Bun.listen({ hostname: "::1", port: 0, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
};

test("over IPv6 alone: workers, gateway, events, and workers that are attached to", async () => {
  if (!hasIpv6()) return; // a kernel without it has no such users
  const up = startDynbench(["up", ...["--workers", "2", "--host", "::1", "--speedup", "50"]], {
    cwd,
  });
  await up.shows("Try it: dynbench ping http://[::1]:");
  const urls = [...up.printed.stdout.matchAll(/^worker-\d +(\S+)$/gm)].map((match) => match[1]!);
  expect(urls.every((url) => url.startsWith("http://[::1]:"))).toBe(true);
  const ping = await dynbench(["ping", urls[0]!], { cwd });
  expect(ping.exitCode).toBe(0);
  const load = ["--isl", "500", "--osl", "5", "--requests", "10", "--prefix-ratio", "0.5"];
  const end = await dynbench(
    [
      ...["run", "--engine", "attach", "--worker-url", urls.join(","), "--host", "::1"],
      ...[...load, "--router", "kv", "--out", "six", "--json"],
    ],
    { cwd },
  );
  expect(JSON.parse(end.stdout).cells[0].requests).toMatchObject({ ok: 10, failed: 0 });
  const { cells } = JSON.parse(end.stdout);
  expect(JSON.stringify(cells[0].verdict)).not.toContain("no-kv-events");
  up.signal("SIGINT");
  expect((await up.end()).left).toEqual([]);
});

const IS_ROOT = process.getuid?.() === 0;
if (IS_ROOT) {
  test("a user without a name, as in containers, can run, and doctor lists what engines need", async () => {
    for (const name of ["bin", "own"]) mkdirSync(join(cwd, name));
    const copy = join(cwd, "bin/dynbench");
    copyFileSync(binary(), copy);
    for (const path of [cwd, join(cwd, "bin"), copy]) chmodSync(path, 0o755);
    chmodSync(join(cwd, "own"), 0o777);
    const at = {
      cwd: join(cwd, "own"),
      binary: copy,
      isBare: true,
      wrapper: ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"],
      env: { PATH: "/usr/bin:/bin" },
    };
    const end = await dynbench(["run", ...TINY, "--out", "r", "--json"], at);
    expect(JSON.parse(end.stdout).cells[0].requests.ok).toBe(10);
    const doctor = await dynbench(["doctor"], at);
    expect(doctor.exitCode).toBe(0);
    expect(doctor.stdout).toContain("id 54321 has no name");
    expect(doctor.stdout).toContain("--env USER=dynbench");
    expect(doctor.stdout).toContain("the load generator may not go before what it measures");
  });
}
