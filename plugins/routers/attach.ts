/**
 * Routers or whole deployments that already run, reached by URL. Several URLs share the load. What they do
 * inside is unknown, so only traits that the user states are checked.
 */
import { defineRouter, DynbenchError, v } from "dynbench";
import { servedModels, withoutSlash } from "dynbench/engine";

/** The value of `owned_by` in every model of Dynamo's frontend (1.6.1). */
const DYNAMOS_OWNER = "nvidia";
/** More URLs than any deployment has. */
const MAX_URLS = 256;

export const attach = defineRouter({
  name: "attach",
  summary: "Running routers or deployments that are reached by URL and left as they are",
  options: v.strictObject({
    url: v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^https?:\/\/\S+$/, "expected http://… or https://…"))),
      v.minLength(1),
      v.maxLength(MAX_URLS),
      v.description("Base URLs of the running routers; several share the load"),
      v.metadata({ aliases: ["urls"] }),
    ),
    affinity: v.pipe(
      v.optional(v.boolean(), false),
      v.description("It sends the same prompt to the same worker: preflight checks this"),
    ),
    spreads: v.pipe(
      v.optional(v.boolean(), false),
      v.description("It gives work to every worker: the verdict checks this"),
    ),
  }),
  plane: "http",
  defaultEngine: "attach",
  traits: ({ affinity, spreads }) => ({
    accepts: ["ids", "text", "chat"],
    affinity,
    spreads,
    kvEvents: false,
  }),
  start: async ({ url }, engine, { signal, requestHeaders: headers = {} }) => {
    const urls = url.map(withoutSlash);
    const models = await Promise.all(urls.map((each) => servedModels(each, { signal, headers })));
    const served = models.map((of) => of.map(({ id }) => id));
    const wanted = engine.servedModelName === "" ? served[0]! : [engine.servedModelName];
    const model = wanted.find((name) => served.every((names) => names.includes(name)));
    if (model === undefined) {
      throw new DynbenchError(
        "start",
        `Cannot use the routers: not all serve ${wanted.map((name) => `"${name}"`).join(" or ")}`,
        { hint: urls.map((each, i) => `${each} serves ${served[i]!.join(", ")}`).join("; ") },
      );
    }
    return {
      urls,
      servedModelName: model,
      facts: { urls, servedModelName: model },
      ...(models.flat().some(({ ownedBy }) => ownedBy === DYNAMOS_OWNER)
        ? { priorityDialect: "dynamo" }
        : {}),
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
