/** What a prefill worker gets of a request: its prompt and one token, whose KV is handed on. */
import type { SimRequest } from "./sim-request.ts";
import type { WorkerRequest } from "../contract/worker-model.ts";

export class PrefillPart implements WorkerRequest {
  readonly whole: SimRequest;
  readonly id: number;
  readonly blocks: Int32Array;
  readonly isl: number;
  readonly priority: number;
  /** The token that ends a prefill; its client gets the decode worker's instead. */
  readonly osl = 1;
  readonly handoff = "send";

  constructor(whole: SimRequest) {
    this.whole = whole;
    this.id = whole.id;
    this.blocks = whole.blocks;
    this.isl = whole.isl;
    this.priority = whole.priority;
  }
}
