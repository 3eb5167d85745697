/** What the Prometheus text of Dynamo's frontend (1.6.1) says of its router. Pure. */

/** Events of workers' caches that its index took in; 0 while the family is missing, as it is until the first one. */
export function eventsAppliedOf(metrics: string): number {
  const lines = metrics.matchAll(
    /^dynamo_component_kv_cache_events_applied\{([^}]*)\}\s+(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/gm,
  );
  let sum = 0;
  for (const [, labels, value] of lines) if (/status="ok"/.test(labels!)) sum += Number(value);
  return sum;
}
