/** What `dynbench size` prints, and its JSON. */
import type { SizeOptions } from "../../decide/size-options.ts";
import type { SizeAnswer, Sized, SizeLook } from "../../decide/size.ts";
import { counted } from "../../base/counted.ts";

type Asked = Pick<SizeOptions, "share" | "find">;

export function sizeText(
  { answers, cells, seconds }: Sized,
  asked: Asked & { readonly folder: string },
): string {
  return `${[
    headline(answers, asked),
    "",
    ...answers.flatMap((one) => lines(one, asked)),
    "",
    `${counted(cells, "cell")} in ${seconds.toFixed(0)} s. Results: ${asked.folder}`,
  ].join("\n")}\n`;
}

/** "kv holds this with 6 h100 where round-robin needs 8". */
function headline(answers: readonly SizeAnswer[], asked: Asked): string {
  const known = answers.filter(({ answer }) => answer !== undefined);
  if (known.length === 0) return "Nothing that was tried holds this.";
  const isRate = asked.find === "rate";
  const better = (a: SizeAnswer, b: SizeAnswer): number =>
    isRate ? b.answer!.rateFactor - a.answer!.rateFactor : costOf(a.answer!) - costOf(b.answer!);
  const [best, ...others] = known.toSorted(better) as [SizeAnswer, ...SizeAnswer[]];
  const worst = others.findLast(({ gpu }) => gpu === best.gpu);
  const what = (one: SizeAnswer): string =>
    isRate
      ? `${one.answer!.rateFactor.toPrecision(3)} times the load`
      : `${one.answer!.workers} ${one.gpu ?? (one.answer!.workers === 1 ? "worker" : "workers")}`;
  const first = `${best.router} holds ${isRate ? "" : "this with "}${what(best)}`;
  if (worst === undefined) return first;
  const verb = isRate ? "holds" : "needs";
  return `${first} where ${worst.router} ${verb} ${what(worst)}`;
}

/** By price where there is one. */
function costOf({ workers, perMillionTokens }: SizeLook): number {
  return perMillionTokens ?? workers;
}

function lines(
  { router, gpu, answer, beyond, curve, exceptions }: SizeAnswer,
  asked: Asked,
): string[] {
  const name = gpu === undefined ? router : `${router} on ${gpu}`;
  const size = (look: SizeLook): string =>
    asked.find === "rate" ? `${look.rateFactor.toPrecision(3)}x` : String(look.workers);
  if (answer === undefined) {
    const best = curve.reduce((a, b) => (b.share.value > a.share.value ? b : a));
    return [
      `${name}: none holds it; the nearest, ${size(best)}, keeps ${percent(best.share.value)}`,
    ];
  }
  const cost =
    answer.perMillionTokens === undefined
      ? ""
      : `, ${answer.perMillionTokens.toFixed(2)} per million output tokens`;
  return [
    `${name}: ${size(answer)}: ${shareText(answer)}, holds it in ${heldText(answer)}${cost}`,
    ...(beyond === undefined
      ? []
      : [`  ${size(beyond)}: ${shareText(beyond)}, holds it in ${heldText(beyond)}`]),
    ...exceptions.map((one) => `  not monotone: ${size(one)} does not hold it, ${shareText(one)}`),
  ];
}

function shareText({ share: { value, low, high } }: SizeLook): string {
  return `${percent(value)} (${percent(low)}–${percent(high)}) within the limits`;
}

/** A share is held or not held by less than one percent. */
function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function heldText({ held, shares }: SizeLook): string {
  return `${held} of ${counted(shares.length, "run")}`;
}

/** For other programs. */
export function sizeJson(
  { answers, cells, seconds }: Sized,
  asked: Asked,
): Record<string, unknown> {
  const look = (one: SizeLook): Record<string, unknown> => {
    const { shares, ...rest } = one;
    return { ...rest, runs: shares.length };
  };
  return {
    share: asked.share,
    find: asked.find,
    answers: answers.map(({ router, gpu, answer, beyond, curve, exceptions }) => ({
      router,
      gpu,
      ...(answer === undefined ? {} : look(answer)),
      isFound: answer !== undefined,
      beyond: beyond && look(beyond),
      exceptions: exceptions.map(look),
      curve: curve.map(look),
    })),
    cells,
    seconds,
  };
}
