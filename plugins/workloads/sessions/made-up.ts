/** Sessions from lengths: what all share, what a session opens with, turns and answers. */
import { drawLength, type RandomStream, type RequestSpec, type Segment } from "dynbench";
import type { SessionOptions } from "./session-options.ts";

/** Contents of one session: its context, its turns, and those of its sub-agents. */
const CONTENTS_A_SESSION = 2_000_000;
const SYSTEM = 0;

/** Session after session, each from its first turn to its last. */
export function* madeUpSessions(
  chosen: SessionOptions,
  random: RandomStream,
  count: number,
): Generator<RequestSpec> {
  let index = 0;
  for (let session = 0; session < chosen.sessions && index < count; session += 1) {
    const turns = sessionTurns(chosen, {
      session,
      first: index,
      draws: random.split("session", session),
    });
    for (const turn of turns) {
      if (index === count) return;
      yield turn;
      index += 1;
    }
  }
}

/** All requests of a session: its own turns, then those of its sub-agents. */
function sessionTurns(
  chosen: SessionOptions,
  { session, first, draws }: { session: number; first: number; draws: RandomStream },
): RequestSpec[] {
  const firstContent = 1 + session * CONTENTS_A_SESSION;
  let content = firstContent;
  const opening: Segment[] = [];
  if (chosen.systemTokens > 0) opening.push({ content: SYSTEM, tokens: chosen.systemTokens });
  const own = [...opening];
  if (chosen.contextTokens > 0) own.push({ content: content++, tokens: chosen.contextTokens });
  const id = String(session);
  const turns = drawLength(chosen.turns, chosen.stddevShare, draws);
  const specs: RequestSpec[] = [];
  const chain = (start: readonly Segment[], length: number, after?: RequestSpec["after"]): void => {
    let prompt = start;
    let waits = after;
    for (let turn = 0; turn < length; turn += 1) {
      const user = {
        content: content++,
        tokens: drawLength(chosen.userTokens, chosen.stddevShare, draws),
      };
      prompt = [...prompt, user];
      const index = first + specs.length;
      const osl = drawLength(chosen.osl, chosen.stddevShare, draws);
      specs.push({
        index,
        prompt,
        isl: prompt.reduce((sum, { tokens }) => sum + tokens, 0),
        osl,
        session: id,
        ...(waits === undefined ? {} : { after: waits }),
        ...(turn + 1 < length ? { keepAnswer: true } : {}),
      });
      prompt = [...prompt, { answerOf: index, tokens: osl }];
      // Only people think; a sub-agent goes on at once.
      const thinkMs = after === undefined ? draws.exponential(chosen.thinkMs) : 0;
      waits = { request: index, thinkMs };
    }
  };
  chain(own, turns);
  for (let agent = 0; agent < chosen.subAgents; agent += 1) {
    chain(opening, chosen.subAgentTurns, { request: first, thinkMs: 0 });
  }
  return specs.map((spec, i) => (i === 0 ? { ...spec, sessionRequests: specs.length } : spec));
}
