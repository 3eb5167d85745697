import { expect, test } from "bun:test";
import { ignoresHangUp } from "../../../../core/cli/commands/stop-signals.ts";

const status = (mask: string): string =>
  `Name:\tdynbench\nSigBlk:\t0\nSigIgn:\t${mask}\nSigCgt:\t0\n`;

test("a hang-up is ignored where the lowest bit of the mask is set, as nohup sets it", () => {
  expect(ignoresHangUp(status("0000000001001001"))).toBe(true);
  expect(ignoresHangUp(status("0000000001001004"))).toBe(false);
  expect(ignoresHangUp("")).toBe(false);
});

test("a table cut at any byte never claims an ignored signal", () => {
  const text = status("0000000001001000");
  for (let end = 0; end <= text.length; end += 1) {
    expect(ignoresHangUp(text.slice(0, end))).toBe(false);
  }
});
