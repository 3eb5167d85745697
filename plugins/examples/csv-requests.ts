/** Requests from a table: prompt tokens, output tokens, and the prefix that a prompt opens with. */
import { defineWorkload, DynbenchError, readLines, v, type RequestSpec } from "dynbench";

interface Row {
  readonly isl: number;
  readonly osl: number;
  /** Half of the prompt is that of its group. */
  readonly group: number;
}

export default defineWorkload({
  apiVersion: 2,
  name: "csv-requests",
  summary: "Requests from a table: prompt_tokens,output_tokens,group",
  options: v.strictObject({
    file: v.pipe(v.string(), v.description("Table with a head and one request a line")),
  }),
  load: { arrival: "closed", concurrency: 8 },
  async read({ file }, signal): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const { first, lines } of readLines(file, signal)) {
      for (const [i, line] of lines.entries()) {
        if (first + i > 1 && line !== "") rows.push(rowOf(line, `${file}: line ${first + i}`));
      }
    }
    return rows;
  },
  *requests(_options, { rows, count = rows.length }): Generator<RequestSpec> {
    for (let index = 0; index < Math.min(count, rows.length); index += 1) {
      const { isl, osl, group } = rows[index]!;
      const shared = Math.floor(isl / 2);
      const own = { content: 1_000_000 + index, tokens: isl - shared };
      const prompt = shared > 0 ? [{ content: group, tokens: shared }, own] : [own];
      yield { index, prompt, isl, osl, group };
    }
  },
});

function rowOf(line: string, place: string): Row {
  const [isl, osl, group] = line.split(",").map(Number);
  if (Number.isInteger(group) && isl! >= 1 && osl! >= 1) {
    return { isl: isl!, osl: osl!, group: group! };
  }
  throw new DynbenchError("plan", `Cannot read ${place}: it is "${line}"`, {
    hint: "A line is prompt_tokens,output_tokens,group, all whole numbers",
  });
}
