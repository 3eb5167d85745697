/**
 * How long the way to a router is, without an engine: the time from asking for the list of
 * models to its answer. A delay before one router of a comparison shows here and nowhere else.
 */
import { monotonicNs } from "../../system/clock.ts";
import { HttpClient } from "../../wire/http/client.ts";
import { parseTarget } from "../../wire/http/target.ts";

/** The first opens the connection and runs code for the first time; the shortest of all counts. */
const ASKED = 8;
/** A server that takes longer is not asked again. */
const LIMIT_MS = 500;

/** Milliseconds, of the farthest URL; undefined where one does not answer at once. */
export async function pathMs(
  urls: readonly string[],
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const paths = await Promise.all(urls.map((url) => shortestMs(url, headers)));
  const farthest = Math.max(...paths);
  return Number.isFinite(farthest) ? farthest : undefined;
}

/** NaN where it does not answer. */
async function shortestMs(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const client = new HttpClient(parseTarget(url), { connection: "keep-alive" });
  let shortest = Infinity;
  for (let i = 0; i < ASKED && !Number.isNaN(shortest); i += 1) {
    shortest = Math.min(shortest, await onceMs(client, headers));
  }
  client.close();
  return shortest;
}

function onceMs(client: HttpClient, headers: Readonly<Record<string, string>>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const startNs = monotonicNs();
  const exchange = client.exchange(
    { method: "GET", path: "/v1/models", headers },
    {
      head: () => {},
      end: (atNs) => resolve((atNs - startNs) / 1e6),
      fail: () => resolve(NaN),
    },
  );
  const limit = setTimeout(() => {
    exchange.abort();
    resolve(NaN);
  }, LIMIT_MS);
  return promise.finally(() => clearTimeout(limit));
}
