/** Plugin files from outside the tree, with the binary alone: no node_modules in reach. */
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import type { Plan } from "../../core/contract/plan.ts";
import { VERSION } from "../../core/base/version.ts";
import { parseRecords } from "../../core/contract/record.ts";
import {
  binary,
  dynbench,
  emptyFolder,
  startDynbench,
  TINY,
  TINY_LOAD,
  until,
  type Outcome,
} from "./binary.ts";

const cwd = emptyFolder();
const copy = join(cwd, "dynbench");
beforeAll(() => {
  copyFileSync(binary(), copy);
  chmodSync(copy, 0o755);
});

const write = (name: string, text: string): void => writeFileSync(join(cwd, name), text);
const alone = (...args: string[]): Promise<Outcome> =>
  dynbench(args, { cwd, binary: copy, isBare: true });
const measure = (out: string, ...args: string[]): Promise<Outcome> =>
  alone("run", ...TINY, "--osl", "3", "--out", out, "--json", ...args);

/** A policy file with the given body of `pick`. */
const policy = (name: string, pick: string): string => `
import { defineRouter, v, type RoutingPolicy } from "dynbench";

export default defineRouter({
  name: "${name}",
  summary: "Always the same worker",
  plane: "http",
  options: v.strictObject({
    favourite: v.pipe(v.optional(v.number(), 0), v.description("Which worker it likes")),
  }),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: false,
    kvEvents: false,
  }),
  policy: ({ favourite }): RoutingPolicy => {
    console.log("a policy that talks");
    return { reads: [], pick(request, { eligible }) { ${pick} } };
  },
});
`;

describe("a policy file", () => {
  const GOOD = policy("favourite", "return eligible[favourite] ?? eligible[0]!;");

  test("runs in the gateway, with its options as flags, beside a bundled policy", async () => {
    write("favourite.ts", GOOD);
    const routers = ["--plugin", "favourite.ts", "--router", "favourite,round-robin"];
    const end = await measure("good", ...routers, "--favourite", "1");
    expect([0, 5]).toContain(end.exitCode!);
    expect(end.left).toEqual([]);
    const { cells } = JSON.parse(end.stdout) as Summary;
    expect(cells.map(({ arm }) => arm)).toEqual(["favourite", "round-robin"]);
    expect(cells[0]!.workers.map(({ id, requests }) => `${id} ${requests}`)).toEqual([
      ...["worker-0 0", "worker-1 10"],
    ]);
    expect(readFileSync(join(cwd, "good/logs/router-favourite.log"), "utf8")).toContain(
      "a policy that talks",
    );
    const records = parseRecords(readFileSync(join(cwd, "good/records.jsonl"), "utf8"));
    expect(records).toHaveLength(20);
  });

  test("is listed, shown, and found again by a saved plan until it changes", async () => {
    write("favourite.ts", GOOD);
    const shown = await alone("plugin", "show", "favourite", "--plugin", "favourite.ts");
    expect(shown.stdout).toContain("--favourite N");
    const args = ["--plugin", "favourite.ts", "--router", "favourite", "--json"];
    const plan = await alone("plan", ...TINY, ...args);
    write("plan.json", plan.stdout);
    const router = (JSON.parse(plan.stdout) as Plan).arms[0]!.router;
    expect(router).toMatchObject({ source: join(cwd, "favourite.ts"), options: { favourite: 0 } });
    const run = await alone("run", "--config", "plan.json", "--out", "planned");
    expect([0, 5]).toContain(run.exitCode!);
    write("favourite.ts", `${GOOD}\n// another one`);
    const changed = await alone("run", "--config", "plan.json", "--out", "changed");
    expect(changed.exitCode).toBe(2);
    expect(changed.stderr).toContain("favourite.ts has changed since it was made");
  });

  const faulty: [why: string, pick: string, ...says: string[]][] = [
    ["throws", 'throw new TypeError("x is undefined");', "threw TypeError: x is undefined"],
    ["names an unknown worker", "return 99;", "returned 99"],
    ["names nothing", "return undefined as never;", "returned undefined"],
  ];
  for (const [why, pick, ...says] of faulty) {
    test(`that ${why} in preflight: the run ends before any load`, async () => {
      write("faulty.ts", policy("faulty", pick));
      const out = `preflight-${why.split(" ").at(-1)}`;
      const end = await measure(out, "--plugin", "faulty.ts", "--router", "faulty");
      expect({ exitCode: end.exitCode, stdout: end.stdout, left: end.left }).toEqual({
        ...{ exitCode: 3, stdout: "", left: [] },
      });
      for (const text of ['arm "faulty" does not answer', ...says])
        expect(end.stderr).toContain(text);
    });

    test(`that ${why} under load: the requests fail with its message`, async () => {
      write(
        "faulty.ts",
        policy("faulty", `if (request.id % 2 === 0) { ${pick} } return eligible[0]!;`),
      );
      const out = `load-${why.split(" ").at(-1)}`;
      const off = ["--preflight", "off"];
      const end = await measure(out, "--plugin", "faulty.ts", "--router", "faulty", ...off);
      expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 5, left: [] });
      const { cells } = JSON.parse(end.stdout) as Summary;
      expect(cells[0]!.requests).toEqual({ sent: 10, ok: 5, failed: 5, dropped: 0 });
      const finding = cells[0]!.verdict.reasons.find(({ id }) => id === "policy-fault");
      for (const text of says) expect(finding?.message).toContain(text);
    });
  }

  test("that insists on a worker which has died: the death is the reason", async () => {
    write("stubborn.ts", policy("stubborn", "return 0;"));
    const args = ["--requests", "100", "--repeat", "100", "--preflight", "off"];
    const run = startDynbench(
      [
        ...["run", ...TINY, ...args, "--plugin", "stubborn.ts", "--router", "stubborn"],
        ...["--out", "stubborn", "--json"],
      ],
      { cwd, binary: copy, isBare: true },
    );
    const records = join(cwd, "stubborn/records.jsonl");
    const count = (): number => {
      try {
        return readFileSync(records, "utf8").split("\n").length;
      } catch {
        return 0;
      }
    };
    expect(await until(() => count() > 20, 20_000)).toBe(true);
    const facts = JSON.parse(readFileSync(join(cwd, "stubborn/facts.json"), "utf8")) as object;
    expect(Object.keys(facts)).toContain("processes");
    const worker = run.children().find((pid) => {
      const link = Bun.spawnSync(["readlink", `/proc/${pid}/fd/2`]).stdout.toString();
      return link.includes("worker-0.log");
    });
    process.kill(worker!, "SIGKILL");
    const end = await run.end();
    expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 4, left: [] });
    expect(end.stderr).toContain("worker-0 died during the run");
    expect((JSON.parse(end.stdout) as Summary).verdict.state).toBe("failed");
  });
});

describe("a file written for version 1 of the contract", () => {
  const OLD = policy("old", "return eligible[0]!;").replace(
    "defineRouter({",
    "$&\n  apiVersion: 1,",
  );
  const load = (name: string): Promise<Outcome> => alone("plugin", "show", "old", "--plugin", name);

  test("works as it is where the names that it imports have stayed", async () => {
    write("old.ts", OLD);
    expect((await load("old.ts")).stderr).toBe("");
    const args = ["--router", "old,round-robin", "--clock", "virtual"];
    const end = await measure("old", "--plugin", "old.ts", ...args);
    expect([0, 5]).toContain(end.exitCode!);
    const { cells } = JSON.parse(end.stdout) as Summary;
    expect(cells[0]!.workers.map(({ requests }) => requests)).toEqual([10, 0]);
  });

  const moved = [
    ["freePorts", "dynbench/engine"],
    ["quantilesOf", "dynbench/report"],
    ["readTrace", "dynbench/trace"],
    ["TRACE_FORMATS", "dynbench/trace-formats"],
  ] as const;
  test.each(moved)("that imports %s is refused, and the message names %s", async (name, door) => {
    const use = `import { ${name} } from "dynbench";\nconsole.log(${name});\n`;
    write("moved.ts", use + OLD);
    const end = await load("moved.ts");
    expect({ exitCode: end.exitCode, stdout: end.stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(end.stderr).toContain("Cannot load plugin");
    expect(end.stderr).toContain(`"${name}" is no longer in "dynbench": import it from "${door}"`);
    write("mended.ts", use.replace('"dynbench"', `"${door}"`) + OLD);
    expect((await load("mended.ts")).exitCode).toBe(0);
  });
});

describe("a file that is no plugin", () => {
  const cases: [why: string, text: string, says: string][] = [
    ["throws at load", 'throw new Error("boom");', "boom"],
    ["is not TypeScript", "export default 1;\n\n{{{", "is-not-TypeScript.ts: line 3: Unexpected"],
    ["exports nothing", "export const x = 1;", "default export"],
    ["lacks fields", 'export default { kind: "router", name: "x" };', "summary"],
    [
      "imports what is not there",
      'import x from "no-such-package"; export default x;',
      "no-such-package",
    ],
    ["takes a bundled name", policy("kv", "return 0;"), 'the name router "kv" is taken'],
    [
      "lacks its methods",
      'import { defineRouter, v } from "dynbench";\n' +
        'export default defineRouter({ name: "x", summary: "", plane: "http", options: v.strictObject({}) } as never);',
      'router "x" lacks traits(), policy() or start()',
    ],
    [
      "is of a later contract",
      policy("late", "return 0;").replace("defineRouter({", "defineRouter({ apiVersion: 3,"),
      `written for version 3 of the plugin contract, and dynbench ${VERSION} takes versions 1 to 2\nUpdate dynbench`,
    ],
    [
      "is of an earlier contract",
      policy("early", "return 0;").replace("defineRouter({", "defineRouter({ apiVersion: 0,"),
      "takes versions 1 to 2\nUpdate the plugin",
    ],
    [
      "has an option that is no flag",
      'import { defineRouter, v } from "dynbench";\n' +
        'export default defineRouter({ name: "x", summary: "", plane: "http", options: v.strictObject({ d: v.date() }),' +
        " traits: () => ({}), policy: () => ({}) } as never);",
      'option "d": a date schema cannot be given as a flag',
    ],
  ];
  for (const [why, text, says] of cases) {
    test(`${why}: refused before anything starts`, async () => {
      const name = `${why.replaceAll(" ", "-")}.ts`;
      write(name, text);
      const end = await alone("run", ...TINY, "--plugin", name);
      expect({ exitCode: end.exitCode, stdout: end.stdout, left: end.left }).toEqual({
        ...{ exitCode: 2, stdout: "", left: [] },
      });
      expect(end.stderr).toContain(says);
    });
  }

  test("is not there: reported", async () => {
    const end = await alone("run", "--plugin", "none.ts");
    expect(end).toMatchObject({ exitCode: 2, stdout: "", left: [] });
    expect(end.stderr).toBe("Cannot load plugin none.ts: there is no such file or folder\n");
  });
});

describe("a foreign program of a plugin", () => {
  /** An engine whose shell script has children, one of them in its own session. */
  const ENGINE = `
import { defineEngine, v } from "dynbench";

export default defineEngine({
  name: "family",
  summary: "A shell script and its children, which answer nothing",
  options: v.strictObject({ lives: v.optional(v.boolean(), true) }),
  planes: ["http"],
  start: async ({ lives }, _plane, { processes, signal, log }) => {
    const script = lives
      ? "sleep 300 & setsid sleep 300 & sleep 300; :"
      : "echo out of memory >&2; exit 9";
    const program = await processes.startForeign("family", ["/bin/sh", "-c", script]);
    log.info("family is up");
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
    });
    return { workers: [], servedModelName: "x", facts: {}, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
  },
});
`;
  const args = ["run", ...TINY_LOAD, "--plugin", "family.ts", "--engine", "family"];
  const start = (out: string, ...more: string[]) => {
    write("family.ts", ENGINE);
    const run = startDynbench([...args, "--out", out, ...more], {
      cwd,
      binary: copy,
      isBare: true,
    });
    return run;
  };

  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    test(`ends with the main process on ${signal}, detached children included`, async () => {
      const run = start(`family-${signal}`);
      await run.shows("family is up");
      // The keeper, the shell, and its three sleepers.
      expect(await until(() => run.children().length === 5, 20_000)).toBe(true);
      run.signal(signal);
      const end = await run.end();
      expect(end.left).toEqual([]);
      expect(end.exitCode).toBe(signal === "SIGINT" ? 130 : undefined);
    });
  }

  test("that dies while it starts is named with its last lines", async () => {
    const end = await start("family-dies", "--no-lives").end();
    expect({ exitCode: end.exitCode, left: end.left }).toEqual({ exitCode: 4, left: [] });
    expect(end.stderr).toContain("family died during the run (exit code 9)");
    expect(end.stderr).toContain("out of memory");
  });
});
