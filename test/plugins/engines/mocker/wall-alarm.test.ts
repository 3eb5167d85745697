import { expect, test } from "bun:test";
import { wallAlarm } from "../../../../plugins/engines/mocker/wall-alarm.ts";

test("rings at or after its time, never before, however near it is", async () => {
  const alarm = wallAlarm();
  for (const inNs of [-1_000_000, 0, 1, 250_000, 999_999, 1_000_001, 2_530_000, 3_999_999]) {
    const atNs = alarm.nowNs() + inNs;
    const rangNs = await new Promise<number>((resolve) =>
      alarm.set(atNs, () => resolve(alarm.nowNs())),
    );
    expect(rangNs).toBeGreaterThanOrEqual(atNs);
  }
});

test("setting it again replaces the earlier time, stopping it silences it", async () => {
  const alarm = wallAlarm();
  const rang: string[] = [];
  await new Promise<void>((resolve) => {
    alarm.set(alarm.nowNs(), () => rang.push("first"));
    alarm.set(alarm.nowNs(), () => {
      rang.push("second");
      resolve();
    });
  });
  alarm.set(alarm.nowNs() + 1_500_000, () => rang.push("stopped"));
  alarm.stop();
  const witness = wallAlarm();
  await new Promise<void>((resolve) => witness.set(witness.nowNs() + 4_000_000, resolve));
  expect(rang).toEqual(["second"]);
});
