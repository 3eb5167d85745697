/** `dynbench null-server`: runs a server of known timing, to measure a load generator with. */
import * as v from "valibot";
import type { CommandLine } from "../options/command-line.ts";
import { DynbenchError, EXIT_CODES, messageOf } from "../../base/errors.ts";
import { startNullServer } from "../../load/null-server/null-server.ts";
import { optionList } from "../text/help.ts";
import { readOwnOptions } from "../options/own-options.ts";

const milliseconds = (fallback: number, text: string) =>
  v.optional(
    v.pipe(v.number(), v.minValue(0), v.maxValue(3_600_000), v.description(text)),
    fallback,
  );
const events = (fallback: number, text: string) =>
  v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(1e9), v.description(text)),
    fallback,
  );

export const NullServerOptions = v.strictObject({
  host: v.optional(v.pipe(v.string(), v.description("Address to listen on")), "127.0.0.1"),
  port: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(65_535),
      v.description("Port; 0: any free one"),
    ),
    9100,
  ),
  ttftMs: milliseconds(200, "Time from the end of a request to its first token, in milliseconds"),
  itlMs: milliseconds(20, "Time between tokens, in milliseconds"),
  batch: events(1, "Tokens per event"),
  status: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(200),
      v.maxValue(599),
      v.description("HTTP status of every answer"),
    ),
    200,
  ),
  failEvery: events(0, "Answer every n-th request with status 500; 0: none"),
  cutAfter: events(0, "Close the connection after this many events; 0: never"),
  errorFrameAfter: events(-1, "Send an error frame after this many events; -1: never"),
  malformedAfter: events(-1, "Send an event that is not JSON after this many events; -1: never"),
  silentAfter: events(
    -1,
    "Stop sending after this many events, and keep the connection open; -1: never",
  ),
  close: v.optional(
    v.pipe(v.boolean(), v.description("Close each connection after its answer")),
    false,
  ),
});

export async function nullServer(line: CommandLine): Promise<number> {
  if (line.wantsHelp) {
    process.stdout.write(
      `Usage: dynbench null-server [options]\n\n${optionList(NullServerOptions)}\nGET /null/stats returns when each event was written (monotonic ns, by x-request-id).\n`,
    );
    return EXIT_CODES.ok.code;
  }
  const { chosen } = readOwnOptions("null-server", NullServerOptions, line);
  await using server = listen(chosen);
  process.stdout.write(`${server.url}\nTry it: dynbench ping ${server.url}    Ctrl-C ends it\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  return EXIT_CODES.ok.code;
}

function listen(
  chosen: v.InferOutput<typeof NullServerOptions>,
): ReturnType<typeof startNullServer> {
  try {
    return startNullServer(chosen);
  } catch (cause) {
    throw new DynbenchError(
      "start",
      `Cannot listen on ${chosen.host}:${chosen.port}: ${messageOf(cause)}`,
      { cause, hint: "Choose another --port, or stop the program that holds it" },
    );
  }
}
