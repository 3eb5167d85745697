import { expect, test } from "bun:test";
import { parseRateProfile } from "../../../core/plan/load-texts.ts";

test("a profile reads back as it was written", () => {
  expect(parseRateProfile("ramp:30")).toEqual({ kind: "ramp", overS: 30 });
  expect(parseRateProfile("sine:min=5,max=10,period=60")).toEqual({
    kind: "sine",
    minRps: 5,
    maxRps: 10,
    periodS: 60,
  });
  expect(parseRateProfile("steps:0=5,60.5=20")).toEqual({
    kind: "steps",
    steps: [
      { fromS: 0, rateRps: 5 },
      { fromS: 60.5, rateRps: 20 },
    ],
  });
});

test.each([
  ["saw", 'expected ramp, sine or steps, got "saw"'],
  ["ramp:", 'expected ramp:SECONDS, got "ramp:"'],
  ["ramp:0", 'expected ramp:SECONDS, got "ramp:0"'],
  ["ramp:-3", 'expected ramp:SECONDS, got "ramp:-3"'],
  ["sine:min=1,max=2", 'expected sine:min=R,max=R,period=SECONDS, got "sine:min=1,max=2"'],
  [
    "sine:min=1,max=2,period=x",
    'expected sine:min=R,max=R,period=SECONDS, got "sine:min=1,max=2,period=x"',
  ],
  ["sine:min=3,max=2,period=1", 'there is no such sine: "min=3,max=2,period=1"'],
  ["steps:", 'expected steps:SECOND=R,…, got "steps:"'],
  ["steps:5=1", "the steps must begin at second 0 and rise"],
  ["steps:0=1,9=2,8=3", "the steps must begin at second 0 and rise"],
  ["steps:0=1,x=2", "the steps must begin at second 0 and rise"],
  ["steps:0=1,5=0", "the last step must send something"],
  ["steps:0=1e9", 'expected steps:SECOND=R,…, got "steps:0=1e9"'],
  ["steps:0=9999999", "a rate is above 1000000 requests/s"],
])("%s is a fault with a hint", (text, fault) => {
  const parsed = parseRateProfile(text);
  expect(parsed).toMatchObject({ fault });
  expect("hint" in parsed && parsed.hint.startsWith("--rate-profile")).toBe(true);
});
