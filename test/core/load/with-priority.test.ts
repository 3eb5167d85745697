import { describe, expect, test } from "bun:test";
import { withPriority } from "../../../core/load/load-child.ts";

describe("a priority on the wire", () => {
  test("is lower for earlier with vLLM", () => {
    expect(withPriority({}, 2, "vllm")).toEqual({ priority: -2 });
    expect(JSON.stringify(withPriority({}, 0, "vllm"))).toBe('{"priority":0}');
  });

  test("is an agent hint for Dynamo, higher for earlier, beside other requested fields", () => {
    const fields = { nvext: { extra_fields: ["worker_id"] }, top_k: 1 };
    expect(withPriority(fields, 2, "dynamo")).toEqual({
      top_k: 1,
      nvext: { extra_fields: ["worker_id"], agent_hints: { priority: 2 } },
    });
  });

  test("is replaced by a field of the user, and absent for a request without a priority", () => {
    expect(withPriority({ priority: 9 }, 2, "vllm")).toEqual({ priority: 9 });
    const hinted = { nvext: { agent_hints: { priority: 9, osl: 3 } } };
    expect(withPriority(hinted, 2, "dynamo")).toEqual(hinted);
    expect(withPriority({ top_k: 1 }, undefined, "dynamo")).toEqual({ top_k: 1 });
  });
});
