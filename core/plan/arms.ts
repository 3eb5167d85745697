/** Arms as they are typed, `kv,dynamo:mode=kv`, and their labels. */
import type { RawOption } from "./raw-option.ts";
import { splitList } from "./raw-option.ts";
import { masked } from "./secret-words.ts";

/** A plugin as typed for an arm, with its own options. */
export interface ArmSpec {
  readonly name: string;
  readonly options: readonly RawOption[];
}

/**
 * Parses `kv,dynamo:mode=kv,temperature=0.5,round-robin`. A piece with `=` and no `:` before it is
 * another option of the arm before it.
 */
export function parseArmSpecs(flag: string, values: readonly string[]): ArmSpec[] {
  const specs: { name: string; options: RawOption[] }[] = [];
  for (const piece of values.flatMap(splitList)) {
    const colon = piece.indexOf(":");
    const equals = piece.indexOf("=");
    const isContinuation = equals !== -1 && (colon === -1 || equals < colon);
    if (isContinuation && specs.length > 0) {
      specs.at(-1)!.options.push(inlineOption(flag, specs.at(-1)!.name, piece));
    } else if (colon === -1) specs.push({ name: piece, options: [] });
    else {
      const name = piece.slice(0, colon);
      const rest = piece.slice(colon + 1);
      specs.push({ name, options: rest === "" ? [] : [inlineOption(flag, name, rest)] });
    }
  }
  return specs;
}

/** Names for tables and charts, as short as possible and different for each arm. */
export function armLabels(arms: readonly { engine: ArmSpec; router: ArmSpec }[]): string[] {
  const labels = shownLabels(arms);
  // Arms that differ in a secret alone are numbered.
  return labels.map((label, i) => {
    const before = labels.slice(0, i).filter((one) => one === label).length;
    return before === 0 ? label : `${label}#${before + 1}`;
  });
}

/** Labels of arms that were typed twice, with all their options. */
export function repeatedArms(arms: readonly { engine: ArmSpec; router: ArmSpec }[]): string[] {
  const typed = arms.map((arm) => JSON.stringify([arm.engine, arm.router].map(contentOf)));
  const labels = shownLabels(arms);
  return labels.filter((_, i) => typed.indexOf(typed[i]!) !== i);
}

function contentOf({ name, options }: ArmSpec): unknown {
  return [name, ...options.map((one) => [one.name, one.value])];
}

function shownLabels(arms: readonly { engine: ArmSpec; router: ArmSpec }[]): string[] {
  const several = (names: readonly string[]): boolean => new Set(names).size > 1;
  const hasEngines = several(arms.map(({ engine }) => inlineLabel(engine)));
  const shortCounts = new Map<string, number>();
  for (const { router } of arms) {
    shortCounts.set(router.name, (shortCounts.get(router.name) ?? 0) + 1);
  }
  return arms.map(({ engine, router }) => {
    const isShared = !hasEngines && (shortCounts.get(router.name) ?? 0) > 1;
    const name = isShared || hasEngines ? inlineLabel(router) : router.name;
    return hasEngines ? `${inlineLabel(engine)}/${name}` : name;
  });
}

function inlineLabel({ name, options }: ArmSpec): string {
  if (options.length === 0) return name;
  const each = options.map((one) => {
    const value = String(one.value);
    return masked(one.name, value) === value ? `${one.name}=${value}` : one.name;
  });
  return `${name}(${each.join(" ")})`;
}

function inlineOption(flag: string, arm: string, text: string): RawOption {
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals);
  return {
    name,
    value: equals === -1 ? true : text.slice(equals + 1),
    origin: `--${flag} ${arm}:${text}`,
  };
}
