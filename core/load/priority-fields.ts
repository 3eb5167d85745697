/**
 * How a priority travels. Ours is higher for earlier. vLLM's `priority` is lower for earlier
 * (`vllm/v1/core/sched/request_queue.py`, 0.31: "requests with a smaller value of `priority` are
 * processed first"), so it gets the negative. Dynamo 1.6 reads `nvext.agent_hints.priority`, higher for
 * earlier, and answers 400 to any top-level `priority`, 0 too ("Unsupported parameter(s)", 1.6.1). Pure.
 */
import type { PriorityDialect } from "../contract/request.ts";

/** `fields` of a request body with the priority in them; a value of the user for the same field stays. */
export function withPriority(
  fields: Readonly<Record<string, unknown>>,
  priority: number | undefined,
  dialect: PriorityDialect,
): Readonly<Record<string, unknown>> {
  if (priority === undefined) return fields;
  if (dialect === "vllm") return { priority: 0 - priority, ...fields };
  const { nvext, ...rest } = fields;
  const own = nvext as { agent_hints?: object } | undefined;
  return { ...rest, nvext: { ...own, agent_hints: { priority, ...own?.agent_hints } } };
}
