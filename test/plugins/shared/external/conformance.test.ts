/** The bundled external routers that need no program of their own pass the router suite. */
import { attach } from "../../../../plugins/routers/attach.ts";
import { direct } from "../../../../plugins/routers/direct.ts";
import { inProcessContext } from "../../../conformance/in-process.ts";
import { testRouter } from "../../../conformance/router.ts";

testRouter({ router: direct, context: () => inProcessContext(direct, "") });
testRouter({
  router: attach,
  options: (workers) => ({ url: workers.map(({ url }) => url), spreads: true }),
  context: () => inProcessContext(attach, ""),
});
