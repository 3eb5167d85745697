/** Plays a script on the gateway's dispatcher, with stand-ins for clients, connections and time. */
import { randomStream } from "../../../core/base/random.ts";
import type {
  Exchange,
  ExchangeHandlers,
  ExchangeRequest,
} from "../../../core/wire/http/client.ts";
import type { RoutingPolicy } from "dynbench";
import type { WorkerRole } from "../../../core/contract/request.ts";
import { Dispatcher } from "../../../core/gateway/dispatcher.ts";
import { GatewayCounts } from "../../../core/gateway/gateway-counts.ts";
import type { Answer, ParsedRequest } from "../../../core/gateway/http-server.ts";
import type { PromptReader, ReadPrompt } from "../../../core/gateway/prompt-reader.ts";
import type { WorkerLink } from "../../../core/gateway/worker-link.ts";
import { PolicyHost } from "../../../core/routing/host.ts";
import { isSplit } from "../../../core/routing/stage.ts";
import { faultsOf } from "../../../core/simulate/faults.ts";
import { Log, type Script } from "./script.ts";

const SILENT = { info() {}, warn() {}, error() {}, debug() {} };
const HEAD = { status: 200, headers: new Map([["content-type", "text/event-stream"]]) };
const REFUSAL = { status: 400, headers: new Map<string, string>() };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export function liveOnGateway(script: Script): Log {
  const world = new World(script);
  world.live();
  return world.log;
}

/** A request at a worker, as far as the gateway can tell. */
interface Visit {
  readonly request: number;
  readonly worker: number;
  readonly handlers: ExchangeHandlers;
  isOver: boolean;
}

class World {
  readonly log: Log;
  readonly #script: Script;
  readonly #policy: RoutingPolicy;
  readonly #dispatcher: Dispatcher;
  readonly #alive: boolean[];
  readonly #visits: Visit[] = [];
  readonly #nth = new Map<string, number>();
  readonly #leave = new Map<number, () => void>();
  /** What is to happen, in no order; two events never have the same time. */
  readonly #due: { readonly atNs: number; happen(): void }[] = [];
  /** Refusals follow what caused them at once, but those of released requests the whole event. */
  #soon: (() => void)[] = [];
  #afterEvent: (() => void)[] = [];
  #isReleasing = false;
  #nowNs = 0;

  constructor(script: Script) {
    this.#script = script;
    this.log = new Log(script);
    this.#policy = script.policy(this.log);
    this.#alive = script.workers.map(() => true);
    const host = new PolicyHost({
      policy: this.#policy,
      policyName: "test",
      candidates: script.workers.map(({ id, role }, index) => ({
        index,
        workerId: id,
        rank: 0,
        role,
      })),
      blockSize: 16,
      random: randomStream(script.seed, "gateway", 0),
      onRelease: ({ id }, candidate) => {
        this.#isReleasing = true;
        this.#dispatcher.released(id, candidate);
        this.#isReleasing = false;
      },
      onFault: ({ id }, error) => this.#dispatcher.refused(id, error),
    });
    this.#dispatcher = new Dispatcher({
      host,
      links: script.workers.map((_, worker) => this.#link(worker)),
      reader: { read: () => PROMPT } as unknown as PromptReader,
      counts: new GatewayCounts(),
      decisions: undefined,
      log: SILENT,
      isSplit: isSplit(script.workers),
    });
  }

  live(): void {
    const { workers, arrivalsNs, timeoutNs, downs } = this.#script;
    for (const [id, atNs] of arrivalsNs.entries()) {
      this.#at(atNs, () => this.#arrive(id));
      this.#at(atNs + timeoutNs, () => this.#leave.get(id)?.());
    }
    for (const { atNs, worker, alive } of faultsOf(downs, workers.length)) {
      this.#at(atNs, () => (alive ? this.#comeBack(worker) : this.#die(worker)));
    }
    while (this.#due.length > 0) {
      this.#due.sort((a, b) => a.atNs - b.atNs);
      const { atNs, happen } = this.#due.shift()!;
      this.#nowNs = atNs;
      happen();
      this.#settle();
      for (let next = this.#afterEvent.shift(); next !== undefined;) {
        next();
        this.#settle();
        next = this.#afterEvent.shift();
      }
    }
  }

  #settle(): void {
    for (let next = this.#soon.shift(); next !== undefined; next = this.#soon.shift()) next();
  }

  #at(atNs: number, happen: () => void): void {
    this.#due.push({ atNs, happen });
  }

  #arrive(id: number): void {
    const request = { target: "/", method: "POST", headers: {}, body: encode(`{"id":${id}}`) };
    this.#dispatcher.handle(request as unknown as ParsedRequest, this.#answerOf(id), "prompt");
  }

  #answerOf(id: number): Answer {
    let status = 0;
    let text = "";
    const close = (answer: string): void => {
      this.log.answered(id, answer);
      this.#leave.delete(id);
    };
    return {
      head: (sent) => void (status = sent),
      data: (bytes) => void (text += Buffer.from(bytes).toString()),
      end: () => {
        if (status === 200) close(text.endsWith("[DONE]") ? "whole" : "broke off");
        else close(status === 500 ? `500, ${JSON.parse(text).error.message}` : `${status}`);
      },
      destroy: () => close("broke off"),
      onAbort: (listener) => {
        this.#leave.set(id, () => {
          close("left");
          listener();
        });
      },
    };
  }

  #link(worker: number): WorkerLink {
    const isAlive = (): boolean => this.#alive[worker]!;
    return {
      worker: { ...this.#script.workers[worker]!, url: `http://${worker}`, blockSize: 16 },
      requests: 0,
      get alive() {
        return isAlive();
      },
      died() {},
      client: {
        exchange: (request: ExchangeRequest, handlers: ExchangeHandlers) =>
          this.#exchange(worker, request, handlers),
      },
    } as unknown as WorkerLink;
  }

  #exchange(worker: number, { path, body }: ExchangeRequest, handlers: ExchangeHandlers): Exchange {
    const released = /kv_release\?request=(\d+)/.exec(path);
    if (released !== null) {
      this.log.released(Number(released[1]), worker);
      return { abort() {} };
    }
    const { id: request } = JSON.parse(new TextDecoder().decode(body)) as { id: number };
    const visit: Visit = { request, worker, handlers, isOver: false };
    this.#visits.push(visit);
    this.log.step(request, `sent to ${worker}`);
    this.#serve(visit, this.#script.workers[worker]!.role);
    return {
      abort: () => {
        if (!visit.isOver) this.log.step(request, `cancelled at ${worker}`);
        visit.isOver = true;
      },
    };
  }

  #serve(visit: Visit, role: WorkerRole): void {
    const { request, handlers } = visit;
    const name = `${request} ${role}`;
    const nth = this.#nth.get(name) ?? 0;
    this.#nth.set(name, nth + 1);
    const outcome = this.#script.outcome(request, role, nth);
    const nowNs = this.#nowNs;
    const unlessOver = (happen: () => void) => (): void => {
      if (!visit.isOver) happen();
    };
    const end = (text: string): void => {
      visit.isOver = true;
      handlers.data!(encode(text), 0);
      handlers.end(0);
    };
    if (outcome.kind === "refused") {
      const refuse = unlessOver(() => {
        handlers.head(REFUSAL, 0);
        end('{"error":{"message":"too long"}}');
      });
      (this.#isReleasing ? this.#afterEvent : this.#soon).push(refuse);
      return;
    }
    const { firstNs, endNs } = outcome;
    const kv = { kv_transfer_params: { remote_request_id: `${request}` } };
    const last = role === "prefill" ? JSON.stringify(kv) : "data: [DONE]";
    if (role !== "prefill" && firstNs !== undefined) {
      const first = (): void => {
        handlers.head(HEAD, 0);
        handlers.data!(encode("data: a\n\n"), 0);
      };
      this.#at(nowNs + firstNs, unlessOver(first));
    }
    if (endNs !== undefined) {
      const finish = (): void => {
        if (role === "prefill") handlers.head({ status: 200, headers: new Map() }, 0);
        end(last);
      };
      this.#at(nowNs + endNs, unlessOver(finish));
    }
  }

  /** Its host knows at once, as where another request has just been refused a connection. */
  #die(worker: number): void {
    this.#alive[worker] = false;
    const lost = this.#visits.filter((visit) => visit.worker === worker && !visit.isOver);
    this.#dispatcher.setAlive(worker, false);
    this.#settle();
    for (const visit of lost.toSorted((a, b) => a.request - b.request)) {
      visit.isOver = true;
      visit.handlers.fail({ kind: "disconnected", message: "gone" }, 0);
      this.#settle();
    }
  }

  #comeBack(worker: number): void {
    this.#alive[worker] = true;
    this.#dispatcher.setAlive(worker, true);
  }
}

const PROMPT: ReadPrompt = {
  stream: true,
  isl: 20,
  osl: 1,
  priority: 0,
  blocks: new Int32Array(0),
  source: "ids",
  scanNs: 0,
  tokeniseWaitNs: 0,
  tokeniseNs: 0,
  hashNs: 0,
  prefixHash: () => 0,
};
