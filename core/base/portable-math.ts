/**
 * exp, log, pow and cos from + − × ÷ √ alone.
 *
 * IEEE 754 fixes those five operations to the last bit and leaves libm free, so `Math.exp` differs
 * between glibc, musl and macOS. Models and random draws use these, so that a seed gives the same
 * bytes on every platform. Within one ulp of the true value (a test compares with exact arithmetic);
 * where one double cannot carry the argument, a second one holds the rest (Dekker, "A floating-point
 * technique for extending the available precision", 1971).
 */

// Leading bits short enough that a product with the integers used here is exact, and the rest.
const LN2_HIGH = 0.6931471803691238; // 32 bits
const LN2_LOW = 1.9082149292705877e-10;
const HALF_PI_HIGH = 1.5707963267341256; // 33 bits
const HALF_PI_MIDDLE = 6.077100506303966e-11; // the next 33
const HALF_PI_LOW = 2.0222662487959506e-21;
const SQRT_HALF = 0.7071067811865476;
const ONE_THIRD_LOW = 1.850371707708594e-17; // 1/3 − fl(1/3)
const EXP_OVERFLOW = 709.782712893384;
const EXP_UNDERFLOW = -745.1332191019412; // below it the result rounds to zero

const scratch = new DataView(new ArrayBuffer(8));
/** The part of the last `twoSum`, `twoProduct` or `logParts` that its returned double could not hold. */
let rest = 0;

/** e to the x. Over- and underflow give Infinity and 0, as `Math.exp` does. */
export function exp(x: number): number {
  return expOfSum(x, 0);
}

/** Natural logarithm; NaN below zero, −Infinity at zero. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return Infinity;
  return logParts(x);
}

/** x to the y for x >= 0, by exp(y log x); exact for y = 0, 1 and 2. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (y === 1) return x;
  if (y === 2) return x * x;
  if (Number.isNaN(y) || Number.isNaN(x) || x < 0) return NaN;
  if (x === 1) return 1;
  if (x === 0) return y > 0 ? 0 : Infinity;
  if (x === Infinity) return y > 0 ? Infinity : 0;
  const high = logParts(x);
  const low = rest;
  const estimate = y * high;
  // Far outside every finite result: the exact product below would overflow.
  if (Math.abs(estimate) > 800) return estimate > 0 ? Infinity : 0;
  const product = twoProduct(y, high);
  return expOfSum(product, rest + y * low);
}

/** Cosine of an angle in radians, for |x| up to about 1e6. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const quarters = Math.round(x / 1.5707963267948966);
  const near = twoSum(x - quarters * HALF_PI_HIGH, -quarters * HALF_PI_MIDDLE);
  const r = twoSum(near, rest - quarters * HALF_PI_LOW); // |r| <= π/4
  const low = rest;
  switch (((quarters % 4) + 4) % 4) {
    case 0:
      return cosNearZero(r, low);
    case 1:
      return -sinNearZero(r, low);
    case 2:
      return -cosNearZero(r, low);
    default:
      return sinNearZero(r, low);
  }
}

/** e to the (high + low), where low is below half an ulp of high. */
function expOfSum(high: number, low: number): number {
  if (Number.isNaN(high)) return NaN;
  if (high > EXP_OVERFLOW) return Infinity;
  if (high < EXP_UNDERFLOW) return 0;
  const k = Math.round(high / 0.6931471805599453);
  const r = high - k * LN2_HIGH; // exact
  const correction = low - k * LN2_LOW;
  const t = r + correction; // |t| <= 0.3466
  // (e^t − 1 − t) / t² by its series: 15 terms reach 1e-20.
  let sum = 0;
  for (let n = 16; n >= 2; n -= 1) sum = (sum * t + 1) / n;
  const head = twoSum(1, r);
  return scaleByPowerOfTwo(head + (rest + (correction + t * t * sum)), k);
}

/** log x for finite x > 0: the nearest double, and in `rest` what is missing to about 2^-100. */
function logParts(x: number): number {
  let { mantissa, exponent } = split(x);
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  // log m = 2 atanh s, s = (m − 1)/(m + 1), |s| <= 0.1716, with s in two doubles.
  const f = mantissa - 1; // exact
  const divisor = twoSum(2, f);
  const divisorLow = rest;
  const s = f / divisor;
  const product = twoProduct(s, divisor);
  const sLow = (f - product - rest - s * divisorLow) / divisor;
  // 2s + 2s·(s²/3) + 2s⁵·(1/5 + s²/7 + …): only the first two need the second double.
  const square = twoProduct(s, s);
  const squareLow = rest + 2 * s * sLow;
  const third = twoProduct(square, 1 / 3);
  const thirdLow = rest + squareLow / 3 + square * ONE_THIRD_LOW;
  const cubic = twoProduct(s, third);
  const cubicLow = rest + s * thirdLow + sLow * third;
  let series = 0;
  for (let n = 27; n >= 5; n -= 2) series = series * square + 1 / n;
  const small = cubicLow + sLow + square * square * s * series;
  const head = twoSum(s, cubic);
  const tail = rest + small;
  const whole = twoSum(exponent * LN2_HIGH, 2 * head);
  return twoSum(whole, rest + (2 * tail + exponent * LN2_LOW));
}

/** cos(r + low) for |r| <= π/4. */
function cosNearZero(r: number, low: number): number {
  const square = r * r;
  let series = 0; // 1/4! − r²/6! + …
  for (let n = 18; n >= 4; n -= 2) series = (1 - series * square) / (n * (n - 1));
  const half = square / 2;
  const lead = 1 - half;
  // series is (cos r − 1 + r²/2) · 2 / r⁴
  return lead + (1 - lead - half + ((square * square * series) / 2 - r * low));
}

/** sin(r + low) for |r| <= π/4. */
function sinNearZero(r: number, low: number): number {
  const square = r * r;
  let series = 0; // 1/3! − r²/5! + …
  for (let n = 17; n >= 3; n -= 2) series = (1 - series * square) / (n * (n - 1));
  return r + (low * (1 - square / 2) - r * square * series);
}

/** a + b rounded; `rest` is the rounding error, exactly (Knuth's two-sum). */
function twoSum(a: number, b: number): number {
  const sum = a + b;
  const shifted = sum - a;
  rest = a - (sum - shifted) + (b - shifted);
  return sum;
}

/** a · b rounded; `rest` is the rounding error, exactly, while nothing overflows (Dekker). */
function twoProduct(a: number, b: number): number {
  const product = a * b;
  const aSpread = 134217729 * a; // 2^27 + 1 parts a double into two halves
  const aHigh = aSpread - (aSpread - a);
  const aLow = a - aHigh;
  const bSpread = 134217729 * b;
  const bHigh = bSpread - (bSpread - b);
  const bLow = b - bHigh;
  rest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  return product;
}

/** x as mantissa in [0.5, 1) times two to the exponent. */
function split(x: number): { mantissa: number; exponent: number } {
  let shift = 0;
  let value = x;
  if (value < 2.2250738585072014e-308) {
    value *= 18014398509481984; // 2^54 lifts subnormals
    shift = -54;
  }
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1022 + shift;
  scratch.setUint32(0, (high & 0x800fffff) | (1022 << 20));
  return { mantissa: scratch.getFloat64(0), exponent };
}

function scaleByPowerOfTwo(x: number, k: number): number {
  if (k >= -1022 && k <= 1023) return x * powerOfTwo(k);
  const half = Math.trunc(k / 2);
  return x * powerOfTwo(half) * powerOfTwo(k - half);
}

function powerOfTwo(k: number): number {
  scratch.setUint32(0, (k + 1023) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}

/** To the nearest whole number, halves to the even one: Python's `round`. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
