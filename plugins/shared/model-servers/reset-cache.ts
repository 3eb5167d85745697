/** Empties a server's prefix cache, with the patience that it needs. */
import { DynbenchError } from "dynbench";

/** How often and how long a reset is tried again: blocks of requests that were just ended are still held. */
const RESET_ATTEMPTS = 40;
const RESET_PAUSE_MS = 250;

/** What came of one try; `absent` where the server has no such path. */
export type ResetTry = "done" | "busy" | "absent";

/** False where the server cannot. Throws when it will not. */
export async function resetPatiently(
  url: string,
  tryOnce: () => Promise<ResetTry>,
): Promise<boolean> {
  for (let attempt = 0; attempt < RESET_ATTEMPTS; attempt += 1) {
    const outcome = await tryOnce();
    if (outcome !== "busy") return outcome === "done";
    await Bun.sleep(RESET_PAUSE_MS);
  }
  throw new DynbenchError("start", `Cannot reset the cache of ${url}: requests are still running`, {
    hint: "Does anybody else send it requests?",
  });
}
