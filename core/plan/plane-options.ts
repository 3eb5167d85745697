/**
 * Options of plane "dynamo": how its processes find each other, and how requests and KV events are
 * sent. They belong to the run and not to a plugin, because engine and router must agree on them, and
 * because all arms must have the same.
 */
import * as v from "valibot";
import type { TypedOptions } from "./assign.ts";
import type { Fault } from "../base/errors.ts";
import type { Plane } from "../contract/request.ts";

const url = (scheme: RegExp, expected: string) => v.pipe(v.string(), v.regex(scheme, expected));

export const PlaneOptions = v.strictObject({
  discovery: v.optional(
    v.pipe(
      v.picklist(["file", "etcd"]),
      v.description("Plane dynamo: where workers register. file needs no service"),
    ),
    "file",
  ),
  requestPlane: v.optional(
    v.pipe(
      v.picklist(["tcp", "nats"]),
      v.description("Plane dynamo: how requests are sent from the router to the workers"),
    ),
    "tcp",
  ),
  eventPlane: v.optional(
    v.pipe(
      v.picklist(["zmq", "nats"]),
      v.description("Plane dynamo: how KV events are sent from the workers to the router"),
    ),
    "zmq",
  ),
  etcdUrl: v.optional(
    v.pipe(
      url(/^https?:\/\/[^\s@]+$/, "expected http://HOST:PORT without a password"),
      v.description(
        "URL of a running etcd for --discovery etcd [one is started for the run, from PATH]",
      ),
      v.metadata({ aliases: ["etcd"] }),
    ),
  ),
  natsUrl: v.optional(
    v.pipe(
      url(/^(nats|tls):\/\/[^\s@]+$/, "expected nats://HOST:PORT without a password"),
      v.description(
        "URL of a running NATS for --request-plane or --event-plane nats [one is started for the run, from PATH]",
      ),
      v.metadata({ aliases: ["nats"] }),
    ),
  ),
});

export type PlaneOptions = v.InferOutput<typeof PlaneOptions>;

/** Options that would have no effect on any arm. */
export function planeFaults(
  options: PlaneOptions,
  typed: TypedOptions["typed"],
  planes: ReadonlySet<Plane>,
): Fault[] {
  if (!planes.has("dynamo")) {
    return [...typed.values()].map(({ origin }) => ({
      path: origin,
      message: "has no meaning without an arm on plane dynamo",
      hint: "Add --router dynamo, or leave it out",
    }));
  }
  const faults: Fault[] = [];
  if (options.etcdUrl !== undefined && options.discovery !== "etcd") {
    faults.push({
      path: "plane.etcd-url",
      message: "nothing would use that etcd",
      hint: "Add --discovery etcd, or leave it out",
    });
  }
  const usesNats = options.requestPlane === "nats" || options.eventPlane === "nats";
  if (options.natsUrl !== undefined && !usesNats) {
    faults.push({
      path: "plane.nats-url",
      message: "nothing would use that NATS",
      hint: "Add --event-plane nats or --request-plane nats, or leave it out",
    });
  }
  return faults;
}
