/**
 * exp, log, pow and cos from + − × ÷ √ alone.
 *
 * IEEE 754 fixes those five operations to the last bit and leaves libm free, so `Math.exp` differs
 * between glibc, musl and macOS. Models and random draws use these, so that a seed gives the same
 * bytes on every platform. Accurate to a few ulp; speed is that of one polynomial.
 */

const LN2_HIGH = 0.693147180369123816490; // 33 leading bits, so that k * LN2_HIGH is exact
const LN2_LOW = 1.90821492927058770002e-10;
const SQRT_HALF = 0.7071067811865476;
const TWO_PI_HIGH = 6.283185307178; // 44 bits
const TWO_PI_LOW = 1.5864769252867665e-12;

const scratch = new DataView(new ArrayBuffer(8));

/** e to the x. Over- and underflow give Infinity and 0, as `Math.exp` does. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.13) return 0;
  const k = Math.round(x / 0.6931471805599453);
  const r = x - k * LN2_HIGH - k * LN2_LOW; // |r| <= 0.3466
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 17; n += 1) {
    term *= r / n;
    sum += term;
  }
  return scaleByPowerOfTwo(sum, k);
}

/** Natural logarithm; NaN below zero, −Infinity at zero. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return Infinity;
  let { mantissa, exponent } = split(x);
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  // log(m) = 2 atanh((m − 1)/(m + 1)), |s| <= 0.1716: 13 odd terms reach 1e-20.
  const s = (mantissa - 1) / (mantissa + 1);
  const s2 = s * s;
  let sum = 0;
  for (let n = 25; n >= 1; n -= 2) sum = sum * s2 + 1 / n;
  return exponent * LN2_HIGH + (2 * s * sum + exponent * LN2_LOW);
}

/** x to the y for x >= 0, by exp(y log x); exact for y = 0, 1 and 2. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (y === 1) return x;
  if (y === 2) return x * x;
  if (x === 0) return y > 0 ? 0 : Infinity;
  return exp(y * log(x));
}

/** Cosine of an angle in radians, for |x| up to about 1e6. */
export function cos(x: number): number {
  const turns = Math.round(x / (TWO_PI_HIGH + TWO_PI_LOW));
  let r = Math.abs(x - turns * TWO_PI_HIGH - turns * TWO_PI_LOW); // 0..π
  let sign = 1;
  if (r > Math.PI / 2) {
    r = Math.PI - r;
    sign = -1;
  }
  const r2 = r * r;
  let term = 1;
  let sum = 1;
  for (let n = 2; n <= 26; n += 2) {
    term *= -r2 / (n * (n - 1));
    sum += term;
  }
  return sign * sum;
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
