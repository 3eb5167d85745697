/**
 * Program: prints bounds, in nanoseconds, by which this process's timestamps plus their origin are
 * ahead of the machine's CLOCK_REALTIME, as `[earliest, latest]`.
 */
import { dlopen, ptr } from "bun:ffi";
import { monotonicNs, monotonicOriginMs } from "../../../core/system/clock.ts";

const CLOCK_REALTIME = 0;
/** Enough for some to be undisturbed on a busy machine. */
const READINGS = 2_000;

const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
const { symbols } = dlopen(library, { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const time = new BigInt64Array(2);
const address = ptr(time);
const originNs = BigInt(Math.round(monotonicOriginMs() * 1e6));
const ourNs = (): bigint => originNs + BigInt(monotonicNs());

let earliest = -Infinity;
let latest = Infinity;
for (let i = 0; i < READINGS; i += 1) {
  // The machine's reading is between the two of this process.
  const before = ourNs();
  symbols.clock_gettime(CLOCK_REALTIME, address);
  const after = ourNs();
  const realNs = time[0]! * 1_000_000_000n + time[1]!;
  earliest = Math.max(earliest, Number(before - realNs));
  latest = Math.min(latest, Number(after - realNs));
}
console.log(JSON.stringify([earliest, latest]));
