/** What `dynbench plugin new` writes: one example of each kind, as text, kept in `examples/`. */
import csvRequests from "./examples/csv-requests.ts" with { type: "text" };
import * as csvRequestsTest from "./examples/csv-requests.test.ts" with { type: "text" };
import longestPrefix from "./examples/longest-prefix.ts" with { type: "text" };
import * as longestPrefixTest from "./examples/longest-prefix.test.ts" with { type: "text" };
import markdownTable from "./examples/markdown-table.ts" with { type: "text" };
import * as markdownTableTest from "./examples/markdown-table.test.ts" with { type: "text" };
import nullServers from "./examples/null-servers.ts" with { type: "text" };
import * as nullServersTest from "./examples/null-servers.test.ts" with { type: "text" };

/** The type checker sees modules where there are texts, which a test's has as its default. */
const text = (imported: unknown): string =>
  typeof imported === "string" ? imported : (imported as { default: string }).default;

const REQUESTS = `prompt_tokens,output_tokens,group
2000,20,0
1800,25,1
2100,20,0
1500,30,2
2200,20,1
1900,20,0
`;

const SMALL =
  "--workers 2 --speedup 20 --isl 500 --osl 10 --requests 40 --concurrency 4 --prefix-ratio 0.5";

export const EXAMPLES = {
  router: {
    name: "longest-prefix",
    source: text(longestPrefix),
    test: text(longestPrefixTest),
    files: {},
    options: `--router longest-prefix,round-robin ${SMALL}`,
  },
  workload: {
    name: "csv-requests",
    source: text(csvRequests),
    test: text(csvRequestsTest),
    files: { "requests.csv": REQUESTS },
    options: "--workload csv-requests --file FOLDER/requests.csv --workers 2 --speedup 20",
  },
  reporter: {
    name: "markdown-table",
    source: text(markdownTable),
    test: text(markdownTableTest),
    files: {},
    options: SMALL,
  },
  engine: {
    name: "null-servers",
    source: text(nullServers),
    test: text(nullServersTest),
    files: {},
    options:
      "--engine null-servers --preflight off --router round-robin --isl 500 --osl 10 --requests 20 " +
      "--prefix-ratio 0.5 -- --ttft-ms 20 --itl-ms 2",
  },
} as const;
