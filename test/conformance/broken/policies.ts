/** Routing policies that each break one rule. `broken.test.ts` checks which test finds it. */
import { routingPolicyConformance } from "../routing-policy.ts";
import type { RoutingPolicy, RoutingView } from "../../../core/contract/routing-policy.ts";

const first = (view: RoutingView): number => view.eligible[0]!;

routingPolicyConformance("whole", () => ({ reads: [], pick: (_, view) => first(view) }));

routingPolicyConformance("picks-the-dead", () => ({ reads: [], pick: () => 0 }));

routingPolicyConformance("reads-the-clock", () => ({
  reads: [],
  pick: (_, { eligible }) => eligible[Math.floor(performance.now() * 1e3) % eligible.length]!,
}));

routingPolicyConformance("draws-by-itself", () => ({
  reads: [],
  pick: (_, { eligible }) => eligible[Math.floor(Math.random() * eligible.length)]!,
}));

routingPolicyConformance("keeps-the-view", (): RoutingPolicy => {
  let kept: RoutingView | undefined;
  return {
    reads: [],
    pick: (_, view) => {
      const busy = (kept ?? view).requests;
      kept = view;
      return view.eligible.reduce((least, each) => (busy[each]! < busy[least]! ? each : least));
    },
  };
});

routingPolicyConformance("never-forgets", (): RoutingPolicy => {
  let turn = 0;
  return { reads: [], pick: (_, { eligible }) => eligible[turn++ % eligible.length]! };
});

/** Deterministic by itself, but two instances in one process pick differently. */
let picks = 0;
routingPolicyConformance("shares-its-state", () => ({
  reads: [],
  pick: (_, { eligible }) => eligible[Math.floor(picks++ / 7) % eligible.length]!,
}));
