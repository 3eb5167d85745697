/** The plugins that come with the program. A listing of this folder is the feature list. */
import { attach as attachEngine } from "./engines/attach.ts";
import { mocker } from "./engines/mocker/mocker.ts";
import { sglang } from "./engines/sglang/sglang.ts";
import { trtllm } from "./engines/trtllm/trtllm.ts";
import { vllm } from "./engines/vllm/vllm.ts";
import { console } from "./reporters/console.ts";
import { guide } from "./reporters/guide.ts";
import { html } from "./reporters/html.ts";
import { json } from "./reporters/json.ts";
import { markdown } from "./reporters/markdown.ts";
import { attach as attachRouter } from "./routers/attach.ts";
import { cacheAware } from "./routers/cache-aware.ts";
import { dynamo } from "./routers/dynamo.ts";
import { direct } from "./routers/direct.ts";
import { haproxy } from "./routers/haproxy.ts";
import { kvApprox } from "./routers/kv-approx.ts";
import { kv } from "./routers/kv.ts";
import { leastLoaded } from "./routers/least-loaded.ts";
import { nginx } from "./routers/nginx.ts";
import { powerOfTwo } from "./routers/power-of-two.ts";
import { prefixHash } from "./routers/prefix-hash.ts";
import { random } from "./routers/random.ts";
import { roundRobin } from "./routers/round-robin.ts";
import { sglangRouter } from "./routers/sglang-router.ts";
import { smg } from "./routers/smg.ts";
import { vllmRouter } from "./routers/vllm-router.ts";
import { mooncake } from "./workloads/mooncake.ts";
import { prefixTree } from "./workloads/prefix-tree.ts";
import { prefix } from "./workloads/prefix.ts";
import { sessions } from "./workloads/sessions.ts";
import type { AnyPlugin } from "dynbench";

export const BUNDLED: readonly AnyPlugin[] = [
  mocker,
  vllm,
  sglang,
  trtllm,
  attachEngine,
  kv,
  kvApprox,
  cacheAware,
  prefixHash,
  leastLoaded,
  powerOfTwo,
  roundRobin,
  random,
  direct,
  dynamo,
  smg,
  sglangRouter,
  vllmRouter,
  nginx,
  haproxy,
  attachRouter,
  prefix,
  prefixTree,
  mooncake,
  sessions,
  // The console's table comes last on the screen, after the files it names are written.
  json,
  markdown,
  guide,
  html,
  console,
];
