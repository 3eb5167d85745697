/**
 * Options of Dynamo's plane: how its processes find each other, and over what requests and KV events
 * travel. They are the run's and not a plugin's, because engine and router must agree on them and a
 * comparison of two routers on different planes would compare the planes.
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
      v.description("Plane dynamo: where workers register; file needs no service"),
    ),
    "file",
  ),
  requestPlane: v.optional(
    v.pipe(
      v.picklist(["tcp", "nats"]),
      v.description("Plane dynamo: how requests go from the router to the workers"),
    ),
    "tcp",
  ),
  eventPlane: v.optional(
    v.pipe(
      v.picklist(["zmq", "nats"]),
      v.description("Plane dynamo: how KV events go from the workers to the router"),
    ),
    "zmq",
  ),
  etcdUrl: v.optional(
    v.pipe(
      url(/^https?:\/\/[^\s@]+$/, "expected http://HOST:PORT without a password"),
      v.description(
        "Running etcd that --discovery etcd uses; left out: one is started from PATH for the run",
      ),
      v.metadata({ aliases: ["etcd"] }),
    ),
  ),
  natsUrl: v.optional(
    v.pipe(
      url(/^(nats|tls):\/\/[^\s@]+$/, "expected nats://HOST:PORT without a password"),
      v.description(
        "Running NATS that a nats plane uses; left out: one is started from PATH for the run",
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
