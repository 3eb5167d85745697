/** One row of a table of trust: what is wrong, or unusual, and what the verdict must be. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding, Summary } from "../../core/contract/result.ts";
import { dynbench, type Details } from "./binary.ts";

export interface TrustRow {
  readonly name: string;
  readonly verdict: "trusted" | "untrusted" | "failed";
  /** Findings beside those that every such run has. */
  readonly ids: readonly string[];
  /** Findings that it may have beside these: they depend on the speed of the machine. */
  readonly mayHave?: readonly string[];
  /** Part of a sentence. */
  readonly says?: string;
}

/** A busy machine may add these; they are no property of what is measured. */
const OF_THE_MACHINE = ["client-late", "client-stalled", "loop-lag", "cpu-full", "other-load"];
/** Runs of so few requests on workers of others. */
const USUAL = ["few-requests", "few-repeats", "fresh-prompts", "workers-unknown"];
let runs = 0;

/** Runs the binary and holds the verdict of its only cell, or of the run, against the row. */
export async function expectVerdict(
  { name, verdict, ids, mayHave = [], says }: TrustRow,
  args: readonly string[],
  { cwd }: Pick<Details, "cwd">,
): Promise<Summary> {
  runs += 1;
  const { stdout, stderr } = await dynbench(["run", "--json", "--out", `run-${runs}`, ...args], {
    cwd,
  });
  if (stdout === "") throw new Error(stderr);
  const summary = JSON.parse(stdout) as Summary;
  const found = findingsOf(summary).filter(({ id }) => !mayHave.includes(id));
  const isDoubted = found.some(({ severity }) => severity === "untrusted");
  const state = summary.verdict.state === "failed" ? "failed" : isDoubted ? "untrusted" : "trusted";
  expect({ state, ids: found.map(({ id }) => id) }).toEqual({ state: verdict, ids: [...ids] });
  expect(found.map(({ message }) => message).join("\n")).toContain(says ?? "");
  const { message: sentence = "" } =
    found.find(({ message }) => message.includes(says ?? "")) ?? {};
  if (process.env.TRUST_TABLE) console.log(`| ${name} | ${verdict} | ${sentence} |`);
  else if (name !== "") expect(inGuide(name)).toEqual({ verdict, sentence: figuresOut(sentence) });
  expect(found.every(({ hint }) => hint !== "")).toBe(true);
  return summary;
}

const GUIDE = readFileSync(join(import.meta.dir, "../../docs/guide/trust.md"), "utf8").split("\n");

/** The row of the guide's table; its figures are those of one run. */
function inGuide(name: string): { verdict: string; sentence: string } | undefined {
  const row = GUIDE.find((line) => line.startsWith("|") && line.split("|")[1]!.trim() === name);
  if (row === undefined) return undefined;
  const [, , verdict, ...sentence] = row.split("|").slice(0, -1);
  return { verdict: verdict!.trim(), sentence: figuresOut(sentence.join("|").trim()) };
}

function figuresOut(sentence: string): string {
  return sentence.replace(/-?\d[\d.,]*(e[+-]\d+)?/g, "#");
}

/** Without those that the machine or the kind of run explains, but for the wanted ones. */
export function findingsOf({ verdict }: Summary, wanted: readonly string[] = []): Finding[] {
  const known = new Set([...OF_THE_MACHINE, ...USUAL]).difference(new Set(wanted));
  return verdict.reasons.filter(({ id }) => !known.has(id));
}
