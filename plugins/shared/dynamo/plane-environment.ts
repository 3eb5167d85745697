/**
 * The environment that puts a process of Dynamo (1.6.1) on a run's plane. Pure. Without the addresses
 * it would advertise the machine's first outside address: `--http-host` moves the HTTP port alone.
 */
import { given } from "dynbench";
import type { PlaneSettings } from "dynbench/engine";

export interface PlanePlaces {
  readonly namespace: string;
  readonly settings: PlaneSettings;
  /** Of the file discovery. */
  readonly folder: string;
  /** The address everything binds or advertises. */
  readonly host: string;
  readonly etcdUrl: string | undefined;
  readonly natsUrl: string | undefined;
}

export function planeEnvironment(places: PlanePlaces): Record<string, string> {
  const { settings, host } = places;
  return {
    DYN_NAMESPACE: places.namespace,
    DYN_DISCOVERY_BACKEND: settings.discovery,
    DYN_REQUEST_PLANE: settings.requestPlane,
    DYN_EVENT_PLANE: settings.eventPlane,
    DYN_TCP_RPC_HOST: host,
    DYN_TCP_RESPONSE_STREAM_HOST: host,
    DYN_EVENT_PLANE_HOST: host,
    DYN_LOG: "info",
    HF_HUB_OFFLINE: "1",
    ...(settings.discovery === "file" ? { DYN_FILE_KV: places.folder } : {}),
    ...given({ ETCD_ENDPOINTS: places.etcdUrl, NATS_SERVER: places.natsUrl }),
  };
}
