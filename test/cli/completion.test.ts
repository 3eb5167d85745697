/** The scripts of `dynbench completion` in real shells, with the binary on PATH as dynbench. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, dynbench, emptyFolder } from "./binary.ts";

const folder = emptyFolder();
const work = join(folder, "work");

beforeAll(async () => {
  mkdirSync(join(folder, "bin"));
  symlinkSync(binary(), join(folder, "bin/dynbench"));
  mkdirSync(join(work, "run-one"), { recursive: true });
  writeFileSync(join(work, "run-trace.jsonl"), "");
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await dynbench(["completion", shell], { cwd: work });
    writeFileSync(join(folder, shell), stdout);
  }
});

function shell(command: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...command], {
    cwd: work,
    env: {
      PATH: `${join(folder, "bin")}:/usr/local/bin:/usr/bin:/bin`,
      HOME: folder,
      TERM: "dumb",
    },
  });
  expect(stderr.toString()).toBe("");
  return stdout.toString();
}

/** Completions of each shell for a line with the cursor at its end; of bash only for the last part of a word. */
const CASES = [
  ["dynbench pl", ["plan", "plugin"], ["plan", "plugin"]],
  ["dynbench run --clo", ["--clock"], ["--clock"]],
  ["dynbench run --clock ", ["virtual", "wall"], ["virtual", "wall"]],
  ["dynbench run --clock=v", ["virtual"], ["--clock=virtual"]],
  ["dynbench run --router kv,round", ["kv,round-robin"], ["kv,round-robin"]],
  ["dynbench run --router kv:temp", ["temperature="], ["kv:temperature="]],
  ["dynbench plugin show kv-", ["kv-approx"], ["kv-approx"]],
  ["dynbench trace analyze run-t", ["run-trace.jsonl"], ["run-trace.jsonl"]],
  ["dynbench run --config=run-t", ["run-trace.jsonl"], ["--config=run-trace.jsonl"]],
  ["dynbench report run-", ["run-one"], ["run-one/"]],
] as const;

describe("bash", () => {
  test.each(CASES)("completes %j with %j", (line, expected) => {
    const script = `
      source "$1"
      compopt() { :; }  # only means something inside a real completion
      COMP_LINE=$2 COMP_POINT=\${#2}
      _dynbench
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = shell(["bash", "--norc", "-c", script, "bash", join(folder, "bash"), line]);
    expect(out.trim().split("\n").toSorted()).toEqual([...expected]);
  });
});

/** Lines as typed, Tab included, and the completed lines. */
const TYPED = [
  ["dynbench run --clo\t", "dynbench run --clock"],
  ["dynbench run --router kv,round\t", "dynbench run --router kv,round-robin"],
  ["dynbench run --router kv:temp\t0.5", "dynbench run --router kv:temperature=0.5"],
  ["dynbench run --clock=v\t", "dynbench run --clock=virtual"],
  ["dynbench run --config=run-t\t", "dynbench run --config=run-trace.jsonl"],
] as const;

/** A terminal of zsh's own; reads until the completed line was printed behind DONE. */
const TERMINAL = `
  zmodload zsh/zpty
  zpty shell "$1"
  zpty -w shell "$2; echo REA''DY"
  zpty -r shell out '*READY*'
  zpty -w -n shell "$3"$'\x01echo "D""ONE:" \n'
  zpty -r shell out $'*DONE: *\n*'
  print -r -- "$out"
  zpty -d shell`;

describe.skipIf(Bun.which("zsh") === null)("at a terminal (skipped without zsh)", () => {
  const setUp = {
    "bash --norc --noprofile": "source FILE",
    "zsh -f": "bindkey -e; autoload -Uz compinit; compinit -u -D; source FILE",
  };
  for (const [program, before] of Object.entries(setUp)) {
    const name = program.split(" ")[0]!;
    test.each(TYPED)(`${name} completes %j`, (typed, line) => {
      const sourced = before.replace("FILE", join(folder, name));
      const command = [
        "timeout",
        "30",
        "zsh",
        "-f",
        "-c",
        TERMINAL,
        "zsh",
        program,
        sourced,
        typed,
      ];
      expect(shell(command)).toContain(`DONE: ${line}\r`);
    });
  }
});

describe.skipIf(Bun.which("fish") === null)("fish (skipped without fish)", () => {
  test.each(CASES)("completes %j with %j, %j", (line, _, expected) => {
    const script = `source ${join(folder, "fish")}; complete -C '${line}'`;
    const out = shell(["fish", "--no-config", "-c", script]);
    const words = out
      .trim()
      .split("\n")
      .map((one) => one.split("\t")[0]!);
    expect(words.toSorted()).toEqual([...expected]);
  });
});
