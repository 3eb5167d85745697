/** Reads metrics in Prometheus' text format: single values, not the buckets of histograms. Pure. */

/** Of one server; a cluster's frontend with a series for each worker stays below. */
const MAX_SERIES = 1000;

/**
 * Values by series: `vllm:num_requests_running`, `vllm:request_success_total{finished_reason="stop"}`.
 * Left out are buckets, creation times, what is not finite, and the Python process's own figures. The
 * labels that all series of a server share are dropped, and series that then agree are added up.
 */
export function readPrometheus(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name, labels = "", number] = match;
    const value = Number(number);
    if (IGNORED.test(name!) || !Number.isFinite(value)) continue;
    const key = keyOf(name!, labels);
    if (values.size >= MAX_SERIES && !values.has(key)) continue;
    values.set(key, (values.get(key) ?? 0) + value);
  }
  return values;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const IGNORED = /_(bucket|created|info)$|^(python|process)_/;
const SHARED_LABELS = new Set(["model_name", "engine"]);

function keyOf(name: string, labels: string): string {
  const kept = [...labels.matchAll(LABEL)].filter(([, label]) => !SHARED_LABELS.has(label!));
  return kept.length === 0 ? name : `${name}{${kept.map(([all]) => all).join(",")}}`;
}
