/** Empties the prefix cache of a vLLM server (`/reset_prefix_cache`, with VLLM_SERVER_DEV_MODE=1). */
import { DynbenchError, fetchControl, messageOf } from "dynbench";

/** How often and how long a reset is tried again: blocks of requests that were just ended are still held. */
const RESET_ATTEMPTS = 40;
const RESET_PAUSE_MS = 250;

/** Empties the prefix cache; false where the server has no such path. Throws when it will not. */
export async function resetCache(url: string, signal?: AbortSignal): Promise<boolean> {
  const request = { method: "POST", ...(signal === undefined ? {} : { signal }) } as const;
  for (let attempt = 0; attempt < RESET_ATTEMPTS; attempt += 1) {
    let answer: string;
    try {
      answer = await fetchControl(`${url}/reset_prefix_cache`, request);
    } catch (error) {
      if (/status 40[45]/.test(messageOf(error))) return false;
      throw error;
    }
    // vLLM before 0.11 answers with an empty body; later ones say whether it happened.
    if (!answer.includes("false")) return true;
    await Bun.sleep(RESET_PAUSE_MS);
  }
  throw new DynbenchError("start", `Cannot reset the cache of ${url}: requests are still running`, {
    hint: "Does anybody else send it requests?",
  });
}
