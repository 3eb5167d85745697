import { expect, test } from "bun:test";
import { sendRates } from "../../../../core/metrics/tally/send-rate.ts";

const open = { arrival: "poisson" as const };

test("rates are computed from the gaps between the first and the last request", () => {
  // Due at 0, 1, 2 s; the last is sent two seconds late.
  const points = { sentS: [0, 1, 4], latenessMs: [0, 0, 2000] };
  expect(sendRates(points, open)).toEqual({ requestedRps: 1, sentRps: 0.5 });
});

test("a closed loop, one request, and requests of one moment have no rate", () => {
  const points = { sentS: [0, 1], latenessMs: [0, 0] };
  expect(sendRates(points, { arrival: "closed" })).toBeUndefined();
  expect(sendRates({ sentS: [0], latenessMs: [0] }, open)).toBeUndefined();
  expect(sendRates({ sentS: [1, 1], latenessMs: [0, 0] }, open)).toBeUndefined();
});
