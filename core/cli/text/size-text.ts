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
    ...headlines(answers, asked),
    "",
    ...answers.flatMap((one) => lines(one, asked)),
    "",
    `${counted(cells, "cell")} in ${seconds.toFixed(0)} s. Results: ${asked.folder}`,
  ].join("\n")}\n`;
}

/** "kv holds this with 6 h100 where round-robin needs 8": a sentence for each GPU type. */
function headlines(answers: readonly SizeAnswer[], asked: Asked): string[] {
  const types = Map.groupBy(answers, ({ gpu }) => gpu);
  return [...types.values()].map((own) => headline(own, asked));
}

function headline(answers: readonly SizeAnswer[], asked: Asked): string {
  const isRate = asked.find === "rate";
  const { gpu } = answers[0]!;
  const unit = gpu ?? "workers";
  const known = answers.filter(({ answer }) => answer !== undefined);
  if (known.length === 0) return `No number of ${unit} that was tried holds this.`;
  const sizeOf = ({ answer }: SizeAnswer): number =>
    isRate ? -answer!.rateFactor : answer!.workers;
  const sorted = known.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const [best, worst] = [sorted[0]!, sorted.at(-1)!];
  const much = ({ answer }: SizeAnswer): string =>
    isRate ? `${answer!.rateFactor.toPrecision(3)} times the load` : `${answer!.workers}`;
  if (sizeOf(best) === sizeOf(worst)) {
    const who =
      known.length === 1
        ? `${best.router} holds`
        : `${known.map(({ router }) => router).join(", ")} hold`;
    return isRate ? `${who} ${much(best)}.` : `${who} this with ${much(best)} ${unit}.`;
  }
  return isRate
    ? `${best.router} holds ${much(best)} where ${worst.router} holds ${much(worst)}.`
    : `${best.router} holds this with ${much(best)} ${unit} where ${worst.router} needs ${much(worst)}.`;
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
