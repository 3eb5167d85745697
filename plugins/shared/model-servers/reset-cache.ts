/** Empties the prefix cache of a model server, with the patience that it needs. */
import { DynbenchError, given, messageOf } from "dynbench";
import { fetchControl } from "dynbench/engine";

/** How often and how long a reset is tried again: blocks of requests that were just ended are still held. */
const RESET_ATTEMPTS = 40;
const RESET_PAUSE_MS = 250;

interface ResetPath {
  readonly path: string;
  /** How it answers while requests still hold blocks: with this text, or with this status. */
  readonly busy: { readonly answer: string } | { readonly status: number };
}

/** POSTs to the path until the cache is empty. False where the server has no such path. Throws when it will not. */
export async function resetAt(
  url: string,
  reset: ResetPath,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; attempt < RESET_ATTEMPTS; attempt += 1) {
    const outcome = await resetOnce(`${url}${reset.path}`, reset, signal);
    if (outcome !== "busy") return outcome === "done";
    await Bun.sleep(RESET_PAUSE_MS);
  }
  throw new DynbenchError("start", `Cannot reset the cache of ${url}: requests are still running`, {
    hint: "Wait until no other client sends it requests",
  });
}

async function resetOnce(
  url: string,
  { busy }: ResetPath,
  signal: AbortSignal | undefined,
): Promise<"done" | "busy" | "absent"> {
  try {
    const answer = await fetchControl(url, { method: "POST", ...given({ signal }) });
    return "answer" in busy && answer.includes(busy.answer) ? "busy" : "done";
  } catch (error) {
    const message = messageOf(error);
    if (/status 40[45]/.test(message)) return "absent";
    if ("status" in busy && message.includes(`status ${busy.status}`)) return "busy";
    throw error;
  }
}
