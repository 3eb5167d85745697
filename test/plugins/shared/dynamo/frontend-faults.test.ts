/** Faults from the frontend's log and metrics; lines as ai-dynamo 1.6.1 writes them. */
import { describe, expect, test } from "bun:test";
import { explainFrontend, isHopeless } from "../../../../plugins/shared/dynamo/frontend-faults.ts";
import { eventsAppliedOf } from "../../../../plugins/routers/dynamo.ts";

const REFUSED =
  "2026-11-24T08:15:32Z  WARN dynamo_llm::discovery: Model materialization failed; scheduling retry error=chat_template field is required in the tokenizer_config.json file";

describe("the log", () => {
  test("a model without a chat template never becomes ready, and the fault is reported", () => {
    const fault = explainFrontend(["all is well", REFUSED])!;
    expect(fault.what).toContain("no chat template");
    expect(fault.hint).toBe(
      `Add "chat_template" to its tokenizer_config.json. It wrote: ${REFUSED}`,
    );
  });

  test("a taken port, an unknown flag, another broken model", () => {
    const message = (line: string) => explainFrontend([line])?.what;
    expect(message("ERROR Failed to start HTTP server: port 8000 already in use")).toContain(
      "port",
    );
    expect(
      message("ERROR main.parse_args: Unknown arguments specified: ['--router-reset-states']"),
    ).toBe("it does not know a flag");
    expect(message("WARN Model materialization failed; error=no tokenizer")).toContain("the model");
  });

  test("waiting is useless without a template, and may help with another reason", () => {
    expect(isHopeless([REFUSED])).toBe(true);
    expect(isHopeless(["WARN Model materialization failed; error=no tokenizer"])).toBe(false);
    expect(isHopeless(["INFO all is well"])).toBe(false);
  });

  test("an ordinary log explains nothing", () => {
    expect(explainFrontend(["INFO Selected worker router_mode=kv", ""])).toBeUndefined();
  });
});

describe("metrics", () => {
  const METRICS = `# TYPE dynamo_component_kv_cache_events_applied counter
dynamo_component_kv_cache_events_applied{event_type="stored",status="ok"} 41
dynamo_component_kv_cache_events_applied{event_type="removed",status="ok"} 1e1
dynamo_component_kv_cache_events_applied{event_type="stored",status="parent_block_not_found"} 3
dynamo_component_kv_cache_event_warnings 7
`;

  test("applied events are the successful ones, of all types", () => {
    expect(eventsAppliedOf(METRICS)).toBe(51);
  });

  test("a missing metric family counts as no applied events", () => {
    expect(eventsAppliedOf("dynamo_frontend_requests_total 3\n")).toBe(0);
  });
});
