/**
 * BurstGPT tables (arXiv 2401.17644): `Timestamp` in seconds, `Request tokens`, `Response tokens`;
 * newer files have a `Session ID`. A row without response tokens is a request that failed.
 */
import { CsvTable, numberIn, secondsIn, tokensIn, type TraceFormat } from "dynbench/trace";

const FAILED = "failed requests, without response tokens";

export const burstgpt: TraceFormat = {
  name: "burstgpt",
  summary: "BurstGPT: a table with Timestamp (s), Request tokens, Response tokens",
  silentOn: ["sharing"],
  recognizes: (line) => line.includes("Request tokens") && line.includes("Response tokens"),
  reader: ({ blockSize }) => {
    const table = new CsvTable();
    const leftOut = new Map<string, number>();
    return {
      blockSize,
      leftOut,
      push: (line) => {
        const cell = table.row(line, ["Timestamp", "Request tokens", "Response tokens"]);
        if (cell === undefined) return [];
        if (cell("Response tokens") === "0") {
          leftOut.set(FAILED, (leftOut.get(FAILED) ?? 0) + 1);
          return [];
        }
        const session = cell("Session ID");
        return [
          {
            atMs: secondsIn(numberIn(cell("Timestamp")), "Timestamp"),
            isl: tokensIn(numberIn(cell("Request tokens")), "Request tokens"),
            osl: tokensIn(numberIn(cell("Response tokens")), "Response tokens"),
            blocks: [],
            ...(session === "" ? {} : { session }),
          },
        ];
      },
      end: () => [],
    };
  },
  writer: () => ({
    head: "Timestamp,Session ID,Request tokens,Response tokens",
    line: ({ atMs, session, isl, osl }) => `${(atMs ?? 0) / 1000},${session ?? ""},${isl},${osl}`,
  }),
};
