/** The results of `dynbench doctor` for a terminal: one line for each check, and → with what to do next. Pure. */
import { wrapped } from "./wrapped.ts";
import type { Check, CheckState } from "../../doctor/check.ts";

const MARKS: Readonly<Record<CheckState, string>> = {
  ok: "✓",
  note: "·",
  warning: "!",
  fault: "✗",
};
const COLORS: Partial<Record<CheckState, string>> = {
  ...{ ok: "\u001b[32m", warning: "\u001b[33m", fault: "\u001b[31m" },
};
const GAP = 2;

export function doctorText(
  checks: readonly Check[],
  { columns, color }: { columns: number; color: boolean },
): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const indent = " ".repeat(GAP + 2 + nameWidth + GAP);
  const blocks = Array.from(
    Map.groupBy(checks, ({ group }) => group),
    ([group, own]) => {
      const lines = own.flatMap(({ name, state, found, next }) => {
        const [first, ...rest] = wrapped(found, { width: columns, indent });
        const head = `  ${MARKS[state]} ${name.padEnd(nameWidth)}  ${first!.trimStart()}`;
        const advice =
          next === undefined || state === "ok"
            ? []
            : wrapped(`→ ${next}`, { width: columns, indent: `${indent}  ` }).map((line, i) =>
                i === 0 ? `${indent}${line.trimStart()}` : line,
              );
        return [paint(head, state, color), ...rest, ...advice];
      });
      return [`${group[0]!.toUpperCase()}${group.slice(1)}`, ...lines].join("\n");
    },
  );
  return `${blocks.join("\n\n")}\n\n${closing(checks)}\n`;
}

/** Colors only the mark. */
function paint(line: string, state: CheckState, color: boolean): string {
  const code = COLORS[state];
  return color && code ? line.replace(MARKS[state], `${code}${MARKS[state]}\u001b[0m`) : line;
}

function closing(checks: readonly Check[]): string {
  const of = (state: CheckState): number => checks.filter((check) => check.state === state).length;
  if (of("fault") > 0)
    return `No run can start before everything marked ✗ is fixed (${of("fault")}).`;
  const warnings = of("warning");
  const advice =
    warnings === 0 ? "" : `; ${warnings} marked ! ${warnings === 1 ? "is" : "are"} worth fixing`;
  return `Runs of the mocker can start: dynbench run${advice}.`;
}
