/** `facts.json`: when, on what and with which commands a run was made; enough to judge and repeat it. */
import { factsOfMachine } from "../sampling/machine.ts";
import type { RunFolder } from "./run-folder.ts";
import { epochMs } from "../../system/clock.ts";
import { masked, maskFacts, maskWords } from "../../plan/secret-words.ts";
import type { StartedCommand } from "../../process/supervisor.ts";

type Facts = Readonly<Record<string, unknown>>;

interface ProcessFacts {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly starts: number;
}

export class RunFacts {
  readonly startedAt: string;
  readonly #folder: RunFolder;
  readonly #facts: Facts;
  /** One entry a name, with how often it was started: the load child is for every cell. */
  readonly #processes: Record<string, ProcessFacts> = {};
  readonly #engines: Record<string, unknown> = {};
  readonly #routers: Record<string, unknown> = {};

  constructor(folder: RunFolder, command: string) {
    this.#folder = folder;
    // A run that is gone on with began when it first did.
    const earlier = folder.readFacts().startedAt;
    this.startedAt = typeof earlier === "string" ? earlier : new Date(epochMs()).toISOString();
    this.#facts = {
      startedAt: this.startedAt,
      command,
      ...factsOfMachine(),
      processes: this.#processes,
      engines: this.#engines,
      routers: this.#routers,
    };
  }

  get all(): Facts {
    return this.#facts;
  }

  engine(name: string, facts: Facts): void {
    this.#engines[name] = maskFacts(facts);
  }

  router(label: string, facts: Facts): void {
    this.#routers[label] = maskFacts(facts);
  }

  command({ name, command, env }: StartedCommand): void {
    const entries = Object.entries(env).map(([key, value]) => [key, masked(key, value)]);
    const starts = (this.#processes[name]?.starts ?? 0) + 1;
    this.#processes[name] = {
      command: maskWords(command),
      env: Object.fromEntries(entries),
      starts,
    };
  }

  write(): void {
    this.#folder.writeJson("facts.json", this.#facts);
  }
}
