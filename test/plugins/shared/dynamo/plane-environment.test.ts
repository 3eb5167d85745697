/** The environment of a process on a plane. */
import { expect, test } from "bun:test";
import { withoutInherited } from "../../../../plugins/shared/dynamo/own-environment.ts";
import { planeEnvironment } from "../../../../plugins/shared/dynamo/plane.ts";

const places = { namespace: "dyn", folder: "/run/discovery", host: "127.0.0.1" };

test("files, TCP and ZMQ need no service, and nothing leaves the host", () => {
  const settings = { discovery: "file", requestPlane: "tcp", eventPlane: "zmq" } as const;
  expect(planeEnvironment({ ...places, settings, etcdUrl: undefined, natsUrl: undefined })).toEqual(
    {
      DYN_NAMESPACE: "dyn",
      DYN_DISCOVERY_BACKEND: "file",
      DYN_FILE_KV: "/run/discovery",
      DYN_REQUEST_PLANE: "tcp",
      DYN_EVENT_PLANE: "zmq",
      DYN_TCP_RPC_HOST: "127.0.0.1",
      DYN_TCP_RESPONSE_STREAM_HOST: "127.0.0.1",
      DYN_EVENT_PLANE_HOST: "127.0.0.1",
      DYN_LOG: "info",
      HF_HUB_OFFLINE: "1",
    },
  );
});

test("etcd and NATS are named, and a folder of files is not", () => {
  const settings = { discovery: "etcd", requestPlane: "nats", eventPlane: "nats" } as const;
  const env = planeEnvironment({
    ...{ ...places, settings },
    ...{ etcdUrl: "http://127.0.0.1:2379", natsUrl: "nats://127.0.0.1:4222" },
  });
  expect(env).toMatchObject({
    ...{ DYN_DISCOVERY_BACKEND: "etcd", ETCD_ENDPOINTS: "http://127.0.0.1:2379" },
    ...{ DYN_EVENT_PLANE: "nats", NATS_SERVER: "nats://127.0.0.1:4222" },
  });
  expect(env).not.toHaveProperty("DYN_FILE_KV");
});

test("variables of the user's shell that would change an arm are removed, logins are kept", () => {
  const own = { DYN_NAMESPACE: "dyn" };
  const command = ["python", "-m", "dynamo.frontend"];
  const inherited = {
    ...{ DYN_ROUTER_TEMPERATURE: "1", DYN_NAMESPACE: "theirs", NATS_SERVER: "nats://h:1" },
    ...{ NATS_AUTH_TOKEN: "t", PATH: "/bin" },
  };
  expect(withoutInherited(command, { own, inherited })).toEqual([
    ...["env", "-u", "DYN_ROUTER_TEMPERATURE", "-u", "NATS_SERVER", ...command],
  ]);
  expect(withoutInherited(command, { own, inherited: { PATH: "/bin" } })).toEqual(command);
});
