/** `dynbench ping [URL|PORT]`: sends one streamed request and checks the answer. */
import * as v from "valibot";
import type { CommandLine } from "../options/command-line.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { EXIT_CODES, DynbenchError } from "../../base/errors.ts";
import { servedModels } from "../../wire/http/control.ts";
import { KEY_HINT, parseTarget } from "../../wire/http/target.ts";
import { NO_TLS, NO_TLS_HINT } from "../../wire/http/tls-check.ts";
import { optionList } from "../text/help.ts";
import { probe, type ProbeResult } from "../../run/setup/probe.ts";

export const PingOptions = v.strictObject({
  model: v.optional(v.pipe(v.string(), v.description("Model to ask for [the first one served]"))),
  timeout: v.optional(
    v.pipe(v.number(), v.minValue(0.1), v.maxValue(3600), v.description("Time-out in seconds")),
    30,
  ),
  apiKeyEnv: v.optional(
    v.pipe(v.string(), v.description("Environment variable with a bearer token")),
  ),
});

/** The port of the router in Dynamo's Router Benchmarking Guide. */
const USUAL_URL = "http://127.0.0.1:8000";

/** A server lists its models without computing anything. */
const MODELS_LIMIT_MS = 10_000;

const QUESTION = {
  messages: [
    { role: "system", content: "You are a helpful assistant. Answer in 5 words." },
    { role: "user", content: "What is 2+2?" },
  ],
  stream: true,
  stream_options: { include_usage: true },
  max_tokens: 10,
};

/** Succeeds only with at least one content chunk and a complete stream; reports if the usage is missing. */
export async function ping(line: CommandLine): Promise<number> {
  if (line.wantsHelp) {
    process.stdout.write(
      "Usage: dynbench ping [URL|PORT] [options]\n\n" +
        "Sends one streamed request and checks the answer. A port, or HOST:PORT, is asked over http; without\n" +
        `either it is ${USUAL_URL}.\n\n${optionList(PingOptions)}`,
    );
    return EXIT_CODES.ok.code;
  }
  const { chosen, words } = readOwnOptions("ping", PingOptions, line);
  const [word, ...more] = words;
  if (more.length > 0) {
    throw new DynbenchError("plan", "Cannot ping: expected one URL or port", {
      hint: `dynbench ping ${USUAL_URL}`,
    });
  }
  const url = urlOf(word);
  parseTarget(url);
  const timeoutMs = chosen.timeout * 1000;
  const token = tokenOf(chosen.apiKeyEnv);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const model =
    chosen.model ??
    (await servedModels(url, { headers, limitMs: Math.min(timeoutMs, MODELS_LIMIT_MS) }))[0]!.id;
  const result = await probe(url, {
    path: "/v1/chat/completions",
    body: new TextEncoder().encode(JSON.stringify({ model, ...QUESTION })),
    headers: { accept: "text/event-stream", ...headers },
    timeoutMs,
  });
  if (result.fault !== undefined) {
    throw new DynbenchError("start", `${url} does not answer correctly: ${result.fault}`, {
      hint: hintOf(result, model),
    });
  }
  const usage =
    result.promptTokens === undefined
      ? "no usage"
      : `${result.promptTokens} prompt tokens (${result.cachedTokens ?? "unknown"} cached), ${result.outputTokens} output tokens`;
  const worker = result.worker ? `, worker ${result.worker}` : "";
  process.stdout.write(`ok: ${result.contentChunks} content chunks, ${usage}${worker}\n`);
  return EXIT_CODES.ok.code;
}

/** A port of this machine, or `host:port`, is asked over http. */
function urlOf(word: string | undefined): string {
  if (word === undefined) return USUAL_URL;
  if (/^\d{1,5}$/.test(word)) return `http://127.0.0.1:${word}`;
  return /^[\w.-]+:\d{1,5}$/.test(word) ? `http://${word}` : word;
}

function hintOf({ status, fault = "" }: ProbeResult, model: string): string {
  if (fault === NO_TLS) return NO_TLS_HINT;
  if (status === undefined) return "Check that the server is up; --timeout gives it more time";
  if (status === 401 || status === 403) {
    return KEY_HINT;
  }
  const isRefused = status >= 400 && status < 500;
  if (status === 404 || (isRefused && /model/i.test(fault))) {
    return `Check that it serves model "${model}" on /v1/chat/completions; --model names another`;
  }
  return "See the log of the server, and of the engine behind it";
}

function tokenOf(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const token = process.env[variable];
  if (token) return token;
  throw new DynbenchError("plan", `Cannot ping: environment variable "${variable}" is not set`, {
    hint: "Set it, or leave out --api-key-env",
  });
}
