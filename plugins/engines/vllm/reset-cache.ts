/** Empties the prefix cache of a vLLM server (`/reset_prefix_cache`, with VLLM_SERVER_DEV_MODE=1). */
import { given, messageOf } from "dynbench";
import { fetchControl } from "dynbench/engine";
import { resetPatiently, type ResetTry } from "../../shared/model-servers/reset-cache.ts";

/** False where the server has no such path. Throws when it will not. */
export function resetCache(url: string, signal?: AbortSignal): Promise<boolean> {
  const request = { method: "POST", ...given({ signal }) } as const;
  return resetPatiently(url, async (): Promise<ResetTry> => {
    try {
      const answer = await fetchControl(`${url}/reset_prefix_cache`, request);
      // vLLM before 0.11 answers with an empty body; later ones say whether it happened.
      return answer.includes("false") ? "busy" : "done";
    } catch (error) {
      if (/status 40[45]/.test(messageOf(error))) return "absent";
      throw error;
    }
  });
}
