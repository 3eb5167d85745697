/** The main process's end of the keeper (`keeper.ts`): starts and stops foreign programs through it. */
import { given } from "../base/given.ts";
import { join } from "node:path";
import { CHILD_ARGUMENT } from "./child-argument.ts";
import type { Death } from "./death.ts";
import { MARKER_VARIABLE } from "./keeper.ts";
import type { ChildMessage, KeeperAnswer, KeeperRequest } from "./messages.ts";
import { endOfFile, EXPLAINED_LINES, LAST_LINES, lastLinesOf, linesOf, signalOf } from "./lines.ts";
import { DynbenchError } from "../base/errors.ts";
import type { ForeignDetails, ForeignProcess } from "../contract/processes.ts";

/** Foreign engines may need this long to leave (vLLM: 4–8 s measured on a busy machine). */
const FOREIGN_GRACE_MS = 15_000;

export interface Keeper extends AsyncDisposable {
  readonly pid: number;
  start(name: string, command: readonly string[], details: ForeignDetails): Promise<ForeignProcess>;
  /** This child's group is to be ended should the main process vanish. */
  watch(pid: number): void;
  /** It has ended: its number may soon be somebody else's. */
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
      void Promise.resolve(keeper.stdin.flush()).catch(() => {}); // its end is told below
    } catch {
      // the same
    }
  };
  send({ role: "keeper", marker: options.marker });

  const programs = new Map<number, Program>();
  const hear = async (): Promise<void> => {
    for await (const line of linesOf(keeper.stdout)) {
      const answer = JSON.parse(line) as KeeperAnswer;
      const program = programs.get(answer.id);
      if (answer.type === "exited") program?.ended({ code: answer.code, signal: answer.signal });
      else program?.answered(answer);
    }
  };
  void Promise.all([hear(), keeper.exited]).then(([, code]) => {
    const isWanted = !isOver;
    isOver = true;
    for (const program of programs.values()) program.lost();
    if (isWanted) {
      const lastLines = ["the keeper, which owns all foreign programs, ended"];
      options.onDeath({ name: "keeper", code, signal: signalOf(keeper), lastLines, logPath: "" });
    }
  });

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
      send({ type: "start", id, name, command, env: extra, cwd, holdsStdin, logPath });
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

/** A foreign program, as far as the keeper tells of it. */
class Program {
  readonly #name: string;
  readonly #logPath: string;
  readonly #logStart: number;
  readonly #options: KeeperOptions;
  readonly #details: ForeignDetails;
  readonly #answer = Promise.withResolvers<KeeperAnswer>();
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

  answered(answer: KeeperAnswer): void {
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
    const reason = this.#details.explain?.(this.#lastLines(EXPLAINED_LINES));
    this.#options.onDeath({
      name: this.#name,
      ...this.#ended,
      lastLines: this.#lastLines(LAST_LINES),
      logPath: this.#logPath,
      ...given({ reason }),
    });
  }

  /** Of this life of it: a program of the same name may have written to the log before. */
  #lastLines(count: number): string[] {
    return lastLinesOf(this.#logPath, count, this.#logStart);
  }

  /** The keeper is gone: nobody else knows of the program any more, so it ends here. */
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
    const reason = answer.type === "refused" ? answer.message : "no answer";
    throw new DynbenchError("start", `Cannot start ${this.#name}: "${executable}": ${reason}`, {
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

/** Ends a process and all that it started in its group, now. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // gone
  }
}
