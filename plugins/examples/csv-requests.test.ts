import { testWorkload } from "dynbench/testing";
import plugin from "./csv-requests.ts";

testWorkload({
  workload: plugin,
  required: { file: "requests.csv" },
  rows: [
    { isl: 1000, osl: 20, group: 0 },
    { isl: 1, osl: 1, group: 1 },
    { isl: 400, osl: 5, group: 0 },
  ],
  length: 3,
  // Half of a prompt is that of its group.
  sharedTokens: (a, b) => (a.group === b.group ? Math.floor(Math.min(a.isl, b.isl) / 2) : 0),
});
