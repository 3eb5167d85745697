/** The options of `dynbench size` beside those of a run. */
import * as v from "valibot";
import type { Fault } from "../base/errors.ts";

const MOST = 4096;

export const SizeOptions = v.strictObject({
  share: v.optional(
    v.pipe(
      v.number(),
      v.gtValue(0),
      v.maxValue(1),
      v.description("Share of the requests that must keep the limits of --slo"),
    ),
    0.95,
  ),
  find: v.optional(
    v.pipe(
      v.picklist(["workers", "rate"]),
      v.description(
        "workers: the fewest that hold the load. rate: the highest rate that --workers hold, of an open loop or a trace",
      ),
    ),
    "workers",
  ),
  gpu: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description("GPU types of the engine's model to size for: h100,l40s [that of the engine]"),
    ),
    [],
  ),
  price: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description("Price of a worker for an hour, by GPU type: h100=2.5,l40s=1.1"),
    ),
    [],
  ),
  mostWorkers: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(MOST),
      v.description("Most workers that are tried"),
    ),
    256,
  ),
});

export type SizeOptions = v.InferOutput<typeof SizeOptions>;

const PRICE = /^([\w.-]+)=(\d+(?:\.\d+)?)$/;

export function parsePrices(texts: readonly string[], faults: Fault[]): Map<string, number> {
  const prices = new Map<string, number>();
  for (const text of texts) {
    const [, gpu, price] = PRICE.exec(text) ?? [];
    if (gpu !== undefined) prices.set(gpu, Number(price));
    else {
      const message = `expected GPU=PRICE, got "${text}"`;
      faults.push({ path: "size.price", message, hint: "--price h100=2.5,l40s=1.1" });
    }
  }
  return prices;
}
