/** The main process's end of the keeper (`keeper.ts`): starts and stops foreign programs through it. */
import { given } from "../base/given.ts";
import { join } from "node:path";
import { CHILD_ARGUMENT } from "./child-argument.ts";
import { reasonIn, type Death } from "./death.ts";
import { MARKER_VARIABLE } from "./keeper.ts";
import {
  KeeperAnswerSchema,
  parseMessage,
  type ChildMessage,
  type KeeperAnswer,
  type KeeperRequest,
} from "./messages.ts";
import { endOfFile, EXPLAINED_LINES, LAST_LINES, lastLinesOf, linesOf, signalOf } from "./lines.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { ForeignDetails, ForeignProcess } from "../contract/processes.ts";

/** Foreign engines may need this long to leave (vLLM: 4–8 s measured on a busy machine). */
const FOREIGN_GRACE_MS = 15_000;

const REPORT_BUG = "Report this as a bug of dynbench: main process and keeper are the same binary";

export interface Keeper extends AsyncDisposable {
  readonly pid: number;
  start(name: string, command: readonly string[], details: ForeignDetails): Promise<ForeignProcess>;
  /** The keeper ends this child's group when the main process vanishes. */
  watch(pid: number): void;
  /** The child has ended: its process id may be given to another program. */
  unwatch(pid: number): void;
}

export interface KeeperOptions {
  /** Command that starts this program again. */
  readonly self: readonly string[];
  /** Value of the marker variable; unique to the run. */
  readonly marker: string;
  readonly logDir: string;
  readonly onDeath: (death: Death) => void;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

export function startKeeper(options: KeeperOptions): Keeper {
  // The keeper itself carries no marker, or it would be swept with the rest.
  const { [MARKER_VARIABLE]: _, ...env } = process.env;
  const keeper = Bun.spawn([...options.self, CHILD_ARGUMENT], {
    detached: true, // Ctrl-C is for the main process alone
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    env,
  });
  let isOver = false;
  const send = (message: KeeperRequest | ChildMessage): void => {
    if (isOver) return;
    try {
      void keeper.stdin.write(`${JSON.stringify(message)}\n`);
      void Promise.resolve(keeper.stdin.flush()).catch(() => {}); // its end is handled below
    } catch {
      // the same
    }
  };
  send({ role: "keeper", marker: options.marker });

  const programs = new Map<number, Program>();
  void (async () => {
    const fault = await passOnAnswers(keeper.stdout, programs);
    if (fault !== undefined) void keeper.stdin.end(); // it ends what it started, then itself
    const code = await keeper.exited;
    const isWanted = !isOver;
    isOver = true;
    for (const program of programs.values()) program.lost();
    if (!isWanted) return;
    options.onDeath({
      name: "keeper",
      code,
      signal: signalOf(keeper),
      lastLines: ["the keeper, which owns all foreign programs, ended"],
      logPath: "",
      ...(fault === undefined ? {} : { reason: { what: fault, hint: REPORT_BUG } }),
    });
  })();

  let nextId = 0;
  return {
    pid: keeper.pid,
    watch: (pid) => send({ type: "watch", pid }),
    unwatch: (pid) => send({ type: "unwatch", pid }),
    start: async (name, command, details) => {
      if (isOver) throw new DynbenchError("start", `Cannot start ${name}: the keeper has ended`);
      const id = nextId++;
      const logPath = join(options.logDir, `${name}.log`);
      const program = new Program({ name, logPath, options, details });
      programs.set(id, program);
      const { env: extra = {}, cwd, holdsStdin = false } = details;
      const place = { env: extra, ...given({ cwd }), holdsStdin, logPath };
      send({ type: "start", id, name, command, ...place });
      const pid = await program.started(command[0]!);
      return program.handle(pid, () => send({ type: "stop", id, graceMs: FOREIGN_GRACE_MS }));
    },
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      void keeper.stdin.end();
      await keeper.exited;
    },
  };
}

/** Passes the keeper's answers on to their programs. Returns the fault that ended this early, if one did. */
async function passOnAnswers(
  stdout: ReadableStream<Uint8Array>,
  programs: ReadonlyMap<number, Program>,
): Promise<string | undefined> {
  for await (const line of linesOf(stdout)) {
    const answer = answerIn(line);
    if (answer.type === "failed") return answer.message;
    const program = programs.get(answer.id);
    if (answer.type === "exited") program?.ended({ code: answer.code, signal: answer.signal });
    else program?.answered(answer);
  }
  return undefined;
}

type StartAnswer = Extract<KeeperAnswer, { type: "started" | "refused" }>;

/** A malformed answer is a failure of the keeper. */
function answerIn(line: string): KeeperAnswer {
  try {
    return parseMessage(KeeperAnswerSchema, line);
  } catch (error) {
    const message = `it wrote a malformed message: ${messageOf(error)}`;
    return { type: "failed", code: "bug", message };
  }
}

/** A foreign program under the keeper. */
class Program {
  readonly #name: string;
  readonly #logPath: string;
  readonly #logStart: number;
  readonly #options: KeeperOptions;
  readonly #details: ForeignDetails;
  readonly #answer = Promise.withResolvers<StartAnswer>();
  readonly #end = Promise.withResolvers<Ended>();
  #pid: number | undefined;
  #isWanted = true;
  #isGuarded: boolean;
  #ended: Ended | undefined;

  constructor(of: {
    name: string;
    logPath: string;
    options: KeeperOptions;
    details: ForeignDetails;
  }) {
    this.#name = of.name;
    this.#logPath = of.logPath;
    this.#logStart = endOfFile(of.logPath);
    this.#options = of.options;
    this.#details = of.details;
    this.#isGuarded = of.details.isUnguarded !== true;
  }

  answered(answer: StartAnswer): void {
    this.#answer.resolve(answer);
  }

  ended(end: Ended): void {
    this.#ended = end;
    this.#end.resolve(end);
    if (this.#isGuarded) this.#reportDeath();
  }

  #reportDeath(): void {
    if (!this.#isWanted || this.#ended === undefined) return;
    this.#isWanted = false;
    const lines = this.#lastLines(EXPLAINED_LINES);
    this.#options.onDeath({
      name: this.#name,
      ...this.#ended,
      lastLines: lines.slice(-LAST_LINES),
      logPath: this.#logPath,
      ...given({
        reason: reasonIn(lines, { explain: this.#details.explain, signal: this.#ended.signal }),
      }),
    });
  }

  /** Since this start: a program of the same name may have written to the log before. */
  #lastLines(count: number): string[] {
    return lastLinesOf(this.#logPath, count, this.#logStart);
  }

  /** The keeper is gone, and no other process would end the program, so it ends here. */
  lost(): void {
    this.#isWanted = false;
    if (this.#pid !== undefined) killGroup(this.#pid);
    this.#answer.resolve({ type: "refused", id: 0, message: "the keeper has ended" });
    this.#end.resolve({ code: null, signal: "SIGKILL" });
  }

  /** Its process id; throws when the keeper could not start it. */
  async started(executable: string): Promise<number> {
    const answer = await this.#answer.promise;
    if (answer.type === "started") return (this.#pid = answer.pid);
    this.#isWanted = false;
    const { message } = answer;
    throw new DynbenchError("start", `Cannot start ${this.#name}: "${executable}": ${message}`, {
      hint: `Check that "${executable}" is installed and on PATH`,
    });
  }

  handle(pid: number, stop: () => void): ForeignProcess {
    return {
      name: this.#name,
      pid,
      exited: this.#end.promise,
      logPath: this.#logPath,
      lastLines: (count) => this.#lastLines(count),
      guard: () => {
        this.#isGuarded = true;
        this.#reportDeath();
      },
      [Symbol.asyncDispose]: async () => {
        this.#isWanted = false;
        stop();
        await this.#end.promise;
      },
    };
  }
}

/** Kills the process group that `pid` leads. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // gone
  }
}
