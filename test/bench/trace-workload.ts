/**
 * A trace as a workload of an outside plugin, in its simplest form: timestamps, lengths and hash ids
 * of 512 tokens, one JSON object a line. For benches of the simulator only.
 */
import { readFileSync } from "node:fs";
import { defineWorkload, v, type ContentSegment, type RequestSpec } from "dynbench";

const BLOCK_TOKENS = 512;

interface Row {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

export const benchTrace = defineWorkload({
  name: "bench-trace",
  summary: "Rows of a trace file, for benches",
  options: v.strictObject({ file: v.pipe(v.string(), v.description("Trace file")) }),
  load: { arrival: "trace" },
  async read({ file }): Promise<readonly Row[]> {
    return readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
  },
  *requests(_options, { rows, count }): Generator<RequestSpec> {
    const all = rows as readonly Row[];
    for (let index = 0; index < Math.min(all.length, count ?? Infinity); index += 1) {
      const { timestamp, input_length: isl, output_length: osl, hash_ids: ids } = all[index]!;
      const prompt = ids.map((content, i): ContentSegment => {
        return { content, tokens: Math.min(BLOCK_TOKENS, isl - i * BLOCK_TOKENS) };
      });
      yield { index, prompt, isl, osl, atNs: timestamp * 1e6 };
    }
  },
});

export default benchTrace;
