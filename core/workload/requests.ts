/** A workload's requests one after the other: at hand, or read from a file as they are needed. Pure. */
import type { RequestSpec } from "../contract/request.ts";

export type Requests = Iterable<RequestSpec> | AsyncIterable<RequestSpec>;

/** Each request changed when it is drawn; of the same kind as `requests`. */
export function mapRequests(
  requests: Requests,
  change: (spec: RequestSpec) => RequestSpec,
): Requests {
  if (Symbol.asyncIterator in requests) return mapLater(requests, change);
  return { [Symbol.iterator]: () => Iterator.from(requests).map(change) };
}

async function* mapLater(
  requests: AsyncIterable<RequestSpec>,
  change: (spec: RequestSpec) => RequestSpec,
): AsyncGenerator<RequestSpec> {
  for await (const spec of requests) yield change(spec);
}
