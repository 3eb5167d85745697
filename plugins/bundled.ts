/** The plugins that come with the program. Written by `npm run bundled`; do not edit. */
import { mocker as mockerEngine } from "./engines/mocker/mocker.ts";
import { vllm as vllmEngine } from "./engines/vllm/vllm.ts";
import { sglang as sglangEngine } from "./engines/sglang/sglang.ts";
import { trtllm as trtllmEngine } from "./engines/trtllm/trtllm.ts";
import { attach as attachEngine } from "./engines/attach.ts";
import { kv as kvRouter } from "./routers/kv.ts";
import { kvApprox as kvApproxRouter } from "./routers/kv-approx.ts";
import { lmetric as lmetricRouter } from "./routers/lmetric.ts";
import { conductor as conductorRouter } from "./routers/conductor.ts";
import { llmD as llmDRouter } from "./routers/llm-d.ts";
import { aibrix as aibrixRouter } from "./routers/aibrix.ts";
import { preble as prebleRouter } from "./routers/preble.ts";
import { cacheAware as cacheAwareRouter } from "./routers/cache-aware.ts";
import { productionStack as productionStackRouter } from "./routers/production-stack.ts";
import { prefixHash as prefixHashRouter } from "./routers/prefix-hash.ts";
import { sticky as stickyRouter } from "./routers/sticky.ts";
import { leastLoaded as leastLoadedRouter } from "./routers/least-loaded.ts";
import { powerOfTwo as powerOfTwoRouter } from "./routers/power-of-two.ts";
import { roundRobin as roundRobinRouter } from "./routers/round-robin.ts";
import { random as randomRouter } from "./routers/random.ts";
import { direct as directRouter } from "./routers/direct.ts";
import { dynamo as dynamoRouter } from "./routers/dynamo.ts";
import { smg as smgRouter } from "./routers/smg.ts";
import { sglangRouter as sglangRouterRouter } from "./routers/sglang-router.ts";
import { vllmRouter as vllmRouterRouter } from "./routers/vllm-router.ts";
import { nginx as nginxRouter } from "./routers/nginx.ts";
import { haproxy as haproxyRouter } from "./routers/haproxy.ts";
import { attach as attachRouter } from "./routers/attach.ts";
import { prefix as prefixWorkload } from "./workloads/prefix.ts";
import { prefixTree as prefixTreeWorkload } from "./workloads/prefix-tree.ts";
import { mooncake as mooncakeWorkload } from "./workloads/mooncake.ts";
import { sessions as sessionsWorkload } from "./workloads/sessions/sessions.ts";
import { json as jsonReporter } from "./reporters/json.ts";
import { markdown as markdownReporter } from "./reporters/markdown.ts";
import { guide as guideReporter } from "./reporters/guide.ts";
import { html as htmlReporter } from "./reporters/html.ts";
import { console as consoleReporter } from "./reporters/console/console.ts";
import type { AnyPlugin } from "dynbench";

export const BUNDLED: readonly AnyPlugin[] = [
  mockerEngine,
  vllmEngine,
  sglangEngine,
  trtllmEngine,
  attachEngine,
  kvRouter,
  kvApproxRouter,
  lmetricRouter,
  conductorRouter,
  llmDRouter,
  aibrixRouter,
  prebleRouter,
  cacheAwareRouter,
  productionStackRouter,
  prefixHashRouter,
  stickyRouter,
  leastLoadedRouter,
  powerOfTwoRouter,
  roundRobinRouter,
  randomRouter,
  directRouter,
  dynamoRouter,
  smgRouter,
  sglangRouterRouter,
  vllmRouterRouter,
  nginxRouter,
  haproxyRouter,
  attachRouter,
  prefixWorkload,
  prefixTreeWorkload,
  mooncakeWorkload,
  sessionsWorkload,
  jsonReporter,
  markdownReporter,
  guideReporter,
  htmlReporter,
  consoleReporter,
];
