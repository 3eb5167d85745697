/** The binary copied alone to an empty folder, with an empty environment: every command works. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { VERSION } from "../../core/base/version.ts";
import {
  binary,
  dynbench,
  emptyFolder,
  startDynbench,
  TINY,
  until,
  TINY_ENGINE,
  type Outcome,
  type Running,
} from "./binary.ts";

const folder = emptyFolder();
const copy = join(folder, "bin", "dynbench");
const work = join(folder, "work");

beforeAll(() => {
  mkdirSync(join(folder, "bin"));
  mkdirSync(work);
  copyFileSync(binary(), copy);
  chmodSync(copy, 0o755);
  chmodSync(join(folder, "bin"), 0o555); // nothing is written beside the binary
});

const bare = { cwd: work, binary: copy, isBare: true };
const alone = (...args: string[]): Promise<Outcome> => dynbench(args, bare);

/** The address that a server prints when it is up. */
async function urlOf(server: Running, before = "http://"): Promise<string> {
  await server.shows(before);
  await server.shows("Ctrl-C");
  const at = server.printed.stdout.indexOf(before);
  return /http:\S+/.exec(server.printed.stdout.slice(at))![0];
}

describe("help", () => {
  test("--version --json has commit, Bun and target", async () => {
    const { stdout, exitCode } = await alone("--version", "--json");
    expect(exitCode).toBe(0);
    const commit = Bun.spawnSync(["git", "rev-parse", "HEAD"], { cwd: import.meta.dir });
    expect(JSON.parse(stdout)).toEqual({
      name: "dynbench",
      version: VERSION,
      commit: commit.exitCode === 0 ? expect.stringMatching(/^[0-9a-f]{40}$/) : null,
      date: commit.exitCode === 0 ? expect.stringMatching(/^\d{4}-\d\d-\d\d$/) : null,
      modified: expect.any(Boolean),
      bun: Bun.version,
      bunRevision: Bun.revision,
      target: expect.stringMatching(/^[a-z]+-(x64|arm64)(-musl)?$/),
    });
  });

  test("--version prints the version and nothing else", async () => {
    expect(await alone("--version")).toEqual({
      ...{ stdout: `${VERSION}\n`, stderr: "", exitCode: 0, left: [] },
    });
  });

  test("without a command the overview is printed, with the exit code of a fault", async () => {
    const overview = await alone();
    expect(overview.exitCode).toBe(2);
    expect(await alone("--help")).toEqual({ ...overview, exitCode: 0 });
  });

  for (const command of [
    "run",
    "plan",
    "up",
    "ping",
    "report",
    "plugin",
    "null-server",
    "completion",
    "man",
  ]) {
    test(`${command} --help prints its usage, and starts nothing`, async () => {
      const { stdout, stderr, exitCode, left } = await alone(command, "--help");
      expect(stdout).toStartWith(`Usage: dynbench ${command}`);
      expect({ stderr, exitCode, left }).toEqual({ stderr: "", exitCode: 0, left: [] });
      expect(stdout.split("\n").filter((line) => line.length > 110)).toEqual([]);
    });
  }

  test("run --help has the options of the chosen plugins", async () => {
    const { stdout } = await alone("run", "--help", "--router", "kv");
    for (const flag of [
      "--router",
      "--concurrency",
      "--prefix-ratio",
      "--speedup",
      "--temperature",
    ]) {
      expect(stdout).toContain(flag);
    }
  });
});

describe("plan and run", () => {
  let run: Outcome;
  beforeAll(async () => {
    run = await alone("run", ...TINY, "--out", "first", "--json");
  });

  test("a plan is printed, as text and as JSON", async () => {
    const text = await alone("plan", ...TINY);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toContain("Plan: 1 arm x 1 point x 1 repeat = 1 cell,");
    expect(text.stdout).toContain("1 engine start, 1 reset of caches");
    const json = await alone("plan", "--json", ...TINY);
    expect(JSON.parse(json.stdout)).toMatchObject({ schemaVersion: 1, arms: [{ label: "kv" }] });
    expect(existsSync(join(work, "runs"))).toBe(false);
  });

  test("a plan has its duration: simulated, or unknown", async () => {
    const estimateOf = async (...args: string[]) =>
      JSON.parse((await alone("plan", "--json", ...args)).stdout).estimate;
    const virtual = await alone("run", ...TINY, "--clock", "virtual", "--out", "sim", "--json");
    const { durationS } = (JSON.parse(virtual.stdout) as Summary).cells[0]!;
    const live = await estimateOf(...TINY, "--router", "kv,direct", "--repeat", "2");
    expect(live.how).toBe("simulated, with round robin for outside routers");
    expect((await estimateOf(...TINY)).loadS).toBeCloseTo(durationS, 6);
    expect(live.wallS).toBeGreaterThan(live.loadS);
    const attached = ["--router", "attach", "--url", "http://127.0.0.1:1", "--prefix-ratio", "0.5"];
    expect(await estimateOf(...attached, "--requests", "30", "--rate", "2")).toEqual({
      atLeastS: 15,
      how: 'engine "attach" has no model',
    });
    const text = await alone("plan", ...attached);
    expect(text.stdout).toContain('duration unknown: engine "attach" has no model\n');
    const simulated = await alone("plan", ...TINY, "--clock", "virtual");
    expect(simulated.stdout).toContain("simulated: no engine is started and nothing is sent");
    expect(simulated.stdout).toMatch(/duration about \d+s, for \d+s on the virtual clock/);
  });

  test("a run leaves a folder, from which report makes the same reports again", async () => {
    expect([0, 5]).toContain(run.exitCode!);
    expect(run.left).toEqual([]);
    const summary = JSON.parse(run.stdout) as Summary;
    expect(summary.cells[0]!.requests).toEqual({ sent: 10, ok: 10, failed: 0, dropped: 0 });
    const kept = readFileSync(join(work, "first/summary.json"), "utf8");
    expect(kept).toBe(run.stdout);
    const page = readFileSync(join(work, "first/report.html"), "utf8");

    const again = await alone("report", "first", "--json");
    expect(again.exitCode).toBe(run.exitCode);
    expect(again.stdout).toBe(kept);
    expect(readFileSync(join(work, "first/summary.json"), "utf8")).toBe(kept);
    expect(readFileSync(join(work, "first/report.html"), "utf8")).toBe(page);
  });

  test("two runs are compared, and a folder that holds a run is not overwritten", async () => {
    const again = await alone("run", ...TINY, "--out", "first");
    expect(again).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(again.stderr).toContain("it already holds a run");
    await alone("run", ...TINY, "--out", "second", "--router", "round-robin");
    const both = await alone("report", "first", "second", "--json");
    const { cells } = JSON.parse(both.stdout) as Summary;
    expect(cells.map(({ arm }) => arm)).toEqual(["kv (first)", "round-robin (second)"]);
    expect(existsSync(join(work, "first/compare/report.html"))).toBe(true);
  });

  test("the guide's files are printed side by side", async () => {
    const file = "first/guide/kv/results_summary.json";
    const theirs = { prefix_ratios: [0.1, 0.5], ttft_values: [100, 50], throughput_values: [7, 8] };
    writeFileSync(join(work, "theirs.json"), JSON.stringify(theirs));
    const { stdout, exitCode } = await alone("report", "theirs.json", file);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("[1] theirs.json");
    const rows = stdout.split("\n").filter((line) => /^ *0\./.test(line));
    expect(rows[0]!.trim().split(/ +/)).toEqual(["0.1", "100.0", "7", "-", "-", "-"]);
    expect(rows[1]!.trim().split(/ +/).slice(0, 3)).toEqual(["0.5", "50.0", "8"]);
    expect((await alone("report", "theirs.json", "first")).exitCode).toBe(2);
  });
});

describe("servers", () => {
  test("up keeps running and prints its addresses, answers a ping, and ends with Ctrl-C", async () => {
    const up = startDynbench(["up", ...TINY_ENGINE, "--router", "round-robin"], bare);
    const router = await urlOf(up, "router round-robin");
    const worker = await urlOf(up, "worker-1");
    expect(new Set([router, worker, await urlOf(up, "worker-0")]).size).toBe(3);
    for (const url of [router, worker]) {
      const ping = await alone("ping", url);
      expect(ping.exitCode).toBe(0);
      expect(ping.stdout).toMatch(/^ok: \d+ content chunks, \d+ prompt tokens/);
    }
    expect(up.children()).toHaveLength(4); // two workers, a gateway, the keeper
    up.signal("SIGINT");
    expect(await up.end()).toMatchObject({ exitCode: 0, stderr: "", left: [] });
  });

  test("up finds ordinary text in cache, as router and worker both report", async () => {
    const up = startDynbench(["up", ...TINY_ENGINE, "--router", "kv"], bare);
    const router = await urlOf(up, "router kv");
    const { data } = (await (await fetch(`${router}/v1/models`)).json()) as {
      data: { id: string }[];
    };
    const complete = async (words: string) => {
      const body = JSON.stringify({
        model: data[0]!.id,
        prompt: words.repeat(100),
        max_tokens: 2,
      });
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${router}/v1/completions`, { method: "POST", headers, body });
      const { usage } = (await answer.json()) as {
        usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
      };
      return [
        usage.prompt_tokens,
        usage.prompt_tokens_details.cached_tokens,
        Number(answer.headers.get("x-dynbench-overlap-blocks")),
      ];
    };
    // "apple" is a piece of four bytes and one of one, "tree" one of four.
    expect(await complete("apple tree ")).toEqual([300, 0, 0]);
    expect(await complete("pear tree ")).toEqual([200, 0, 0]);
    const heldBlocks = async (): Promise<number> => {
      const state = await (await fetch(`${router}/dynbench/state`)).json();
      const { workers } = state as { workers: { blocks: number }[] };
      return workers.reduce((sum, { blocks }) => sum + blocks, 0);
    };
    // Whole blocks of both prompts: 4 and 3.
    expect(await until(async () => (await heldBlocks()) >= 7, 5000)).toBe(true);
    const known = await complete("apple tree ");
    expect(known[1]).toBeGreaterThan(0);
    expect(known[2]! * 64).toBe(known[1]!);
    up.signal("SIGINT");
    expect(await up.end()).toMatchObject({ exitCode: 0, left: [] });
  });

  test("up listens on the given port, and reports at once that it is taken", async () => {
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const args = ["up", ...TINY_ENGINE, "--router", "round-robin", "--port", `${holder.port}`];
    const refused = await alone(...args);
    expect(refused).toMatchObject({ exitCode: 3, stdout: "", left: [] });
    expect(refused.stderr).toStartWith(`Cannot listen on 127.0.0.1:${holder.port}: `);
    expect(refused.stderr).toContain("Choose another --port");
    holder.stop(true);
    const up = startDynbench(args, bare);
    expect(await urlOf(up, "router round-robin")).toBe(`http://127.0.0.1:${holder.port}`);
    up.signal("SIGINT");
    expect(await up.end()).toMatchObject({ exitCode: 0, left: [] });
  });

  test("up ends with any of its children, by name", async () => {
    const up = startDynbench(["up", ...TINY_ENGINE, "--out", "up-logs"], bare);
    await urlOf(up);
    const [first] = up.children();
    process.kill(first!, "SIGKILL");
    const end = await up.end();
    expect(end.exitCode).toBe(4);
    // Which one it is follows the system's numbers, which may have begun again in between.
    expect(end.stderr).toMatch(/^(keeper|worker-\d|router-kv) died \(killed by SIGKILL\)/);
    expect(end.left).toEqual([]);
  });

  test("the null server answers a ping; a second one on its port is refused", async () => {
    const server = startDynbench(["null-server", "--port", "0", "--ttft-ms", "1"], bare);
    const url = await urlOf(server);
    expect((await alone("ping", url)).exitCode).toBe(0);
    const second = await alone("null-server", "--port", new URL(url).port);
    expect(second.exitCode).toBe(3);
    expect(second.stderr).toStartWith(`Cannot listen on 127.0.0.1:${new URL(url).port}: `);
    server.signal("SIGTERM");
    expect(await server.end()).toMatchObject({ exitCode: 0, stderr: "", left: [] });
  });
});

describe("help", () => {
  const commands = ["run", "plan", "up", "ping", "report", "plugin", "null-server"];
  test.each(["", ...commands])("of %p fits 100 columns and has the usage", async (command) => {
    const { stdout, exitCode } = await alone(...(command === "" ? [] : [command]), "--help");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: dynbench ${command || "COMMAND"}`);
    expect(stdout.split("\n").filter((line) => Bun.stringWidth(line) > 100)).toEqual([]);
  });

  test("of ping has the meanings and the defaults of its options", async () => {
    const { stdout } = await alone("ping", "--help");
    expect(stdout).toContain("Sends one streamed request and checks the answer.");
    expect(stdout).toMatch(/--model TEXT +Model to ask for \[the first one served\]\n/);
    expect(stdout).toMatch(/--timeout N +Time-out in seconds \(.* to 3,600\) \[30\]\n/);
    expect(stdout).toMatch(/--api-key-env TEXT +Environment variable with a bearer token\n/);
  });

  test("shows the options of reporters as they are typed, and they work", async () => {
    const help = (await alone("run", "--help")).stdout;
    expect(help).toContain("--html.path TEXT");
    expect((await alone("plugin", "show", "html")).stdout).toContain("--html.path TEXT");
    const args = [...TINY, "--clock", "virtual", "--out", "named", "--html.path", "page.html"];
    const run = await alone("run", ...args);
    expect(run.stdout).toContain(`Report: ${join(work, "named/page.html")}`);
    expect(readFileSync(join(work, "named/page.html"), "utf8")).toContain("<html");
  });
});

describe("plugins", () => {
  test("are listed by kind and shown with their options", async () => {
    const list = await alone("plugin", "list");
    for (const word of [
      "engines\n",
      "  mocker ",
      "routers\n",
      "  kv ",
      "workloads\n",
      "reporters\n",
    ]) {
      expect(list.stdout).toContain(word);
    }
    const shown = await alone("plugin", "show", "prefix-ratio");
    expect(shown.stdout).toContain("--num-prefix-prompts N");
    expect(shown.exitCode).toBe(0);
  });
});
