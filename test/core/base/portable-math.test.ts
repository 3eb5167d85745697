/**
 * Compares exp, log, pow and cos with values computed in exact integer arithmetic: fixed-point
 * numbers of 320 fractional bits (BigInt), series summed until their terms vanish. Nothing here
 * uses libm.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { cos, exp, log, pow } from "../../../core/base/portable-math.ts";
import { randomStream } from "../../../core/base/random.ts";

const BITS = 320n;
const ONE = 1n << BITS;
const MAX_ULP = 1;

/** A finite double as mantissa · 2^exponent, exactly. */
function parts(x: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = field === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: x < 0 ? -mantissa : mantissa, exponent: Math.max(field, 1) - 1075 };
}

const shift = (x: bigint, by: number): bigint => (by >= 0 ? x << BigInt(by) : x >> BigInt(-by));
const fixed = (x: number): bigint => {
  const { mantissa, exponent } = parts(x);
  return shift(mantissa, exponent + Number(BITS));
};
const times = (a: bigint, b: bigint): bigint => (a * b) >> BITS;
const abs = (x: bigint): bigint => (x < 0n ? -x : x);

function atanhSeries(s: bigint): bigint {
  const square = times(s, s);
  let power = s;
  let sum = 0n;
  for (let n = 1n; abs(power) > 0n && n < 4000n; n += 2n) {
    sum += power / n;
    power = times(power, square);
    if (power === -1n) break;
  }
  return sum;
}

function atanInverse(n: bigint): bigint {
  let power = ONE / n;
  let sum = 0n;
  for (let k = 1n, sign = 1n; power > 0n; k += 2n, sign = -sign) {
    sum += (sign * power) / k;
    power /= n * n;
  }
  return sum;
}

const LN2 = 2n * atanhSeries(ONE / 3n);
const PI = 4n * (4n * atanInverse(5n) - atanInverse(239n)); // Machin

/** e^x for fixed x, as fixed mantissa · 2^exponent. */
function exactExp(x: bigint): { mantissa: bigint; exponent: number } {
  const k = (2n * x + LN2) / (2n * LN2) - (x < 0n ? 1n : 0n);
  const r = x - k * LN2;
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; n < 200n && term !== 0n; n += 1n) {
    term = times(term, r) / n;
    sum += term;
  }
  return { mantissa: sum, exponent: Number(k) };
}

function exactLog(x: number): bigint {
  const { mantissa, exponent } = parts(x);
  const length = mantissa.toString(2).length;
  const m = shift(mantissa, Number(BITS) - length); // [0.5, 1)
  return 2n * atanhSeries(((m - ONE) << BITS) / (m + ONE)) + BigInt(exponent + length) * LN2;
}

function exactCos(x: bigint): bigint {
  let r = abs(x) % (2n * PI);
  if (r > PI) r = 2n * PI - r;
  const square = times(r, r);
  let term = ONE;
  let sum = ONE;
  for (let n = 2n; n < 200n && term !== 0n; n += 2n) {
    term = -times(term, square) / (n * (n - 1n));
    sum += term;
  }
  return sum;
}

/** |got − exact| in units in the last place of the exact value `mantissa · 2^(exponent − BITS)`. */
function ulpError(got: number, mantissa: bigint, exponent = 0): number {
  const length = abs(mantissa).toString(2).length;
  const ulpExponent = Math.max(length - Number(BITS) + exponent - 53, -1074);
  const own = parts(got);
  // Both as multiples of 2^(ulpExponent − 20), so that the quotient keeps 20 fractional bits.
  const ours = shift(own.mantissa, own.exponent - ulpExponent + 20);
  const truth = shift(mantissa, exponent - Number(BITS) - ulpExponent + 20);
  return Number(abs(ours - truth)) / 2 ** 20;
}

function worst(points: number[], error: (x: number) => number): { ulp: number; at: number } {
  let found = { ulp: 0, at: NaN };
  for (const x of points) {
    const ulp = error(x);
    if (!(ulp <= found.ulp)) found = { ulp, at: x };
  }
  return found;
}

/** Begins anew for each test, so that its points do not depend on the order of the tests. */
let random = randomStream(1, "portable-math");
beforeEach(() => {
  random = randomStream(1, "portable-math");
});

const uniform = (count: number, low: number, high: number): number[] =>
  Array.from({ length: count }, () => low + (high - low) * random.next());

describe("the reference", () => {
  test("knows e, ln 2 and pi to 30 decimals", () => {
    const decimals = (x: bigint): string => ((x * 10n ** 30n) >> BITS).toString();
    expect(decimals(exactExp(ONE).mantissa * 2n ** BigInt(exactExp(ONE).exponent))).toBe(
      "2718281828459045235360287471352",
    );
    expect(decimals(LN2)).toBe("693147180559945309417232121458");
    expect(decimals(PI)).toBe("3141592653589793238462643383279");
  });

  test("calls the next double one ulp away", () => {
    expect(ulpError(1 + Number.EPSILON, ONE)).toBe(1);
    expect(ulpError(3, 3n * ONE)).toBe(0);
  });
});

describe("within one ulp of the exact value", () => {
  const expError = (x: number): number => {
    const exact = exactExp(fixed(x));
    return ulpError(exp(x), exact.mantissa, exact.exponent);
  };

  test("exp over its whole range, around zero and in subnormal results", () => {
    const points = [
      ...uniform(2000, -745.1, 709.7),
      ...uniform(1000, -1, 1),
      ...uniform(300, -1e-9, 1e-9),
      ...uniform(300, -745.13, -708),
      709.782712893384,
      -745.1332191019411,
    ];
    expect(worst(points, expError).ulp).toBeLessThan(MAX_ULP);
  });

  test("log over every magnitude, close to one and for subnormals", () => {
    const points = [
      ...uniform(2000, -1074, 1023).map((power) => 2 ** Math.trunc(power) * (1 + random.next())),
      ...uniform(1000, 0.5, 2),
      ...uniform(500, 1 - 1e-6, 1 + 1e-6),
      ...uniform(500, 0, 1),
      5e-324,
      Number.MAX_VALUE,
      1 + Number.EPSILON,
      1 - Number.EPSILON / 2,
    ].filter((x) => x !== 1 && x !== Infinity);
    expect(worst(points, (x) => ulpError(log(x), exactLog(x))).ulp).toBeLessThan(MAX_ULP);
  });

  test("pow with results over the whole range", () => {
    const bases = [...uniform(1500, 0.0001, 3), ...uniform(500, 1, 1e9)];
    const powError = (x: number): number => {
      const y = (randomStream(2, x).next() * 1400 - 700) / Math.abs(log(x));
      const exact = exactExp(times(fixed(y), exactLog(x)));
      return ulpError(pow(x, y), exact.mantissa, exact.exponent);
    };
    expect(worst(bases, powError).ulp).toBeLessThan(MAX_ULP);
  });

  test("cos to a million radians and next to its zeros", () => {
    const zeros = Array.from({ length: 500 }, (_, k) => (k + 0.5) * Math.PI);
    const points = [...uniform(1500, 0, 6.3), ...uniform(1000, -1e6, 1e6), ...zeros];
    expect(worst(points, (x) => ulpError(cos(x), exactCos(fixed(x)))).ulp).toBeLessThan(MAX_ULP);
  });
});

describe("special values", () => {
  test("exp", () => {
    expect([exp(0), exp(1), exp(710), exp(-746), exp(Infinity), exp(-Infinity), exp(NaN)]).toEqual([
      1,
      Math.E,
      Infinity,
      0,
      Infinity,
      0,
      NaN,
    ]);
  });

  test("log", () => {
    expect([log(1), log(0), log(-1), log(Infinity), log(NaN)]).toEqual([
      0,
      -Infinity,
      NaN,
      Infinity,
      NaN,
    ]);
  });

  test("pow", () => {
    expect([pow(3, 0), pow(3, 1), pow(3, 2), pow(0, 2.5), pow(0, -1), pow(1, 1e300)]).toEqual([
      1,
      3,
      9,
      0,
      Infinity,
      1,
    ]);
    expect([pow(2, 10), pow(2, -3), pow(4, 0.5), pow(2, 1e9), pow(2, -1e9)]).toEqual([
      1024,
      0.125,
      2,
      Infinity,
      0,
    ]);
    expect([pow(Infinity, 2.5), pow(Infinity, -1), pow(-2, 0.5), pow(2, NaN)]).toEqual([
      Infinity,
      0,
      NaN,
      NaN,
    ]);
  });

  test("cos", () => {
    expect([cos(0), cos(Math.PI), cos(2 * Math.PI), cos(Infinity), cos(NaN)]).toEqual([
      1,
      -1,
      1,
      NaN,
      NaN,
    ]);
    expect(cos(-2.5)).toBe(cos(2.5));
  });
});
