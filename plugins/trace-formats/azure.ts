/**
 * Azure's LLM inference traces of 2023 and 2024 (Azure Public Dataset): `TIMESTAMP` as date and
 * time with up to seven decimals, `ContextTokens`, `GeneratedTokens`. Times count from the first row.
 */
import { CsvTable, numberIn, tokensIn, TraceFault, type TraceFormat } from "dynbench/trace";

export const azure: TraceFormat = {
  name: "azure",
  summary: "Azure LLM inference: a table with TIMESTAMP, ContextTokens, GeneratedTokens",
  silentOn: ["sharing", "sessions"],
  recognizes: (line) => line.includes("ContextTokens") && line.includes("GeneratedTokens"),
  reader: ({ blockSize }) => {
    const table = new CsvTable();
    let firstMs: number | undefined;
    return {
      blockSize,
      leftOut: new Map(),
      push: (line) => {
        const cell = table.row(line, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]);
        if (cell === undefined) return [];
        const atMs = unixMs(cell("TIMESTAMP"));
        firstMs ??= atMs;
        return [
          {
            atMs: atMs - firstMs,
            isl: tokensIn(numberIn(cell("ContextTokens")), "ContextTokens"),
            osl: tokensIn(numberIn(cell("GeneratedTokens")), "GeneratedTokens"),
            blocks: [],
          },
        ];
      },
      end: () => [],
    };
  },
};

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?(Z|\+00:00)?$/;

/** Milliseconds since 1970, with their fraction. */
function unixMs(text: string): number {
  const match = DATE_TIME.exec(text);
  if (!match) {
    throw new TraceFault("TIMESTAMP", `must be a date and time, and is "${text}"`);
  }
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const wholeMs = Date.UTC(year!, month! - 1, day, hour, minute, second);
  return wholeMs + Number(match[7] ?? 0) * 1000;
}
