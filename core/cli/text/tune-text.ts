/** What `dynbench tune` prints: progress, the answer, and its JSON. */
import type { ProgressLines } from "./progress-lines.ts";
import type { Objective } from "../../decide/objective.ts";
import type { Slices } from "../../decide/slices.ts";
import type { Budget, Judged, Tuned, TuneProgress } from "../../decide/tune.ts";
import { counted } from "../../base/counted.ts";
import type { Claim, Interval } from "../../contract/result.ts";
import { metricWords } from "../../metrics/definitions.ts";
import { formatNumber, formatRatio } from "../../metrics/summary/format.ts";
import { monotonicNs } from "../../system/clock.ts";

export interface ShownProgress extends Disposable {
  report(progress: TuneProgress): void;
  end(): void;
}

/** What is known so far. */
export function tuneProgress(
  lines: ProgressLines,
  { budget, slices }: { budget: Budget; slices: Slices },
): ShownProgress {
  const startNs = monotonicNs();
  let best: TuneProgress["best"];
  return {
    report: (progress) => {
      best = progress.best ?? best;
      const seconds = (monotonicNs() - startNs) / 1e9;
      const known = { ...progress, ...(best === undefined ? {} : { best }) };
      lines.show(progressLine(known, seconds, { budget, slices }));
    },
    end: () => lines.end(),
    [Symbol.dispose]: () => lines.end(),
  };
}

const PHASES: Readonly<Record<TuneProgress["phase"], string>> = {
  search: "Searching",
  judge: "Judging on requests held out",
  robust: "Judging where it is not as planned",
};

function progressLine(
  { phase, cells, best }: TuneProgress,
  seconds: number,
  { budget, slices }: { budget: Budget; slices: Slices },
): string {
  const most = "cells" in budget ? ` of ${budget.cells}` : "";
  const left =
    "seconds" in budget ? `, ${Math.max(0, budget.seconds - seconds).toFixed(0)} s left` : "";
  const found =
    best === undefined
      ? `the usual settings on ${counted(slices.tune.length, "slice")} first`
      : `best so far ${best.arm.label}, ${formatRatio(best.ratio)} of the usual`;
  return `${PHASES[phase]}: ${cells}${most} cells, ${seconds.toFixed(0)} s${left}; ${found}`;
}

/** The answer for a person. */
export function tuneText(
  tuned: Tuned,
  { objective, slices, folder }: { objective: Objective; slices: Slices; folder: string },
): string {
  const { ranked, robust, settings, cells, seconds, isCutShort } = tuned;
  const name = metricWords(objective.metric);
  const [first] = ranked;
  const held = counted(slices.judge.length, "slice");
  return `${[
    ...(isCutShort ? ["Cut short: this is the best so far.", ""] : []),
    ...(first === undefined
      ? ["No setting could be tried on the whole load."]
      : answer(first, { name, held })),
    "",
    ...table(ranked),
    ...(robust.length === 0 ? [] : ["", "Beside its usual setting, where it is not as planned:"]),
    ...robust.map(
      ({ scenario, ratio, claim }) =>
        `  ${scenario.padEnd(20)} ${intervalText(ratio)}${fallsBehind(claim, objective) ? "  falls behind" : ""}`,
    ),
    "",
    `${counted(settings, "setting")}, ${counted(cells, "cell")} in ${seconds.toFixed(0)} s` +
      (slices.cutS === undefined
        ? "; searched and judged on different seeds"
        : `; searched on the first ${slices.cutS.toFixed(0)} s of the trace, judged on the rest`),
    first === undefined || first.arm === first.usual
      ? `Results: ${folder}`
      : `Results: ${folder}; run it: dynbench run --config ${folder}/tuned.yaml`,
  ].join("\n")}\n`;
}

function answer(first: Judged, { name, held }: { name: string; held: string }): string[] {
  const { arm, usual, value, usualValue, heldOut, claim, seen, broken } = first;
  if (arm === usual) return [`No setting is better than the usual one of ${usual.label}.`];
  const verdict =
    claim === "none"
      ? `No setting is shown to be better than the usual one of ${usual.label}. The nearest: ${arm.label}`
      : `Best: ${arm.label}`;
  return [
    verdict,
    `  ${name} ${formatNumber(value)}, with the usual setting ${formatNumber(usualValue)}: ${intervalText(heldOut)} on ${held} held out; the search saw ${formatRatio(seen)}`,
    ...broken.map((limit) => `  does not keep ${limit} on the requests held out`),
  ];
}

function table(ranked: readonly Judged[]): string[] {
  const rows = [
    ["router", "held out", "interval", "search saw", "setting"],
    ...ranked.map(({ router, arm, usual, value, heldOut, claim, seen, broken }) => [
      router,
      formatNumber(value),
      `${intervalText(heldOut)}${claim === "none" ? "" : " *"}`,
      formatRatio(seen),
      `${arm === usual ? "usual" : arm.label.slice(router.length)}${broken.length > 0 ? ` breaks ${broken.join(", ")}` : ""}`,
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => Bun.stringWidth(row[i]!))));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}

function fallsBehind(claim: Claim, { better }: Objective): boolean {
  return claim !== "none" && claim !== better;
}

function intervalText({ value, low, high }: Interval): string {
  return `${formatRatio(value)} (${formatRatio(low)}–${formatRatio(high)})`;
}

/** For other programs. Ratios are value / value of the usual setting. */
export function tuneJson(tuned: Tuned, { metric, better }: Objective): Record<string, unknown> {
  const { ranked, robust, known, settings, cells, seconds, isCutShort } = tuned;
  const [first] = ranked;
  return {
    objective: { metric, better },
    router: first?.router,
    default: first && { options: first.usual.router.options, heldOut: { value: first.usualValue } },
    best: first && judgedJson(first),
    robust,
    settings,
    cells,
    seconds,
    isCutShort,
    ranked: ranked.map((one) => ({ router: one.router, ...judgedJson(one) })),
    known: known.map(({ arm, ratio }) => ({ label: arm.label, ratio })),
  };
}

function judgedJson({ arm, value, heldOut, seen, claim, broken, usual }: Judged) {
  return {
    label: arm.label,
    options: arm.router.options,
    engine: arm.engine === usual.engine ? undefined : arm.engine.options,
    heldOut: { value, ratioToDefault: heldOut, claim },
    search: { ratioToDefault: seen },
    broken,
  };
}
