/**
 * A command that runs without those variables of the user's shell that would change what Dynamo does:
 * every option of its programs has a variable, and an arm must run with the options that its label names.
 */

/** `command`, behind `env -u` where the shell has such variables. What a plane sets itself stays. */
export function withoutInherited(
  command: readonly string[],
  {
    own,
    inherited,
  }: {
    readonly own: Readonly<Record<string, string>>;
    readonly inherited: Readonly<Record<string, string | undefined>>;
  },
): string[] {
  const strange = Object.keys(inherited).filter((name) => OF_DYNAMO.test(name) && !(name in own));
  return strange.length === 0
    ? [...command]
    : ["env", ...strange.toSorted().flatMap((name) => ["-u", name]), ...command];
}

/** Logins stay: `ETCD_AUTH_…`, `NATS_AUTH_…`. */
const OF_DYNAMO = /^(DYN_|ETCD_ENDPOINTS$|ETCD_LEASE_TTL$|NATS_SERVER$)/;
