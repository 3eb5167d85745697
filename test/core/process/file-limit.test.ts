/** The table of /proc/PID/limits as Linux 6.1 prints it. */
import { expect, test } from "bun:test";
import { concurrencyWithin, parseOpenFileLimit } from "../../../core/process/file-limit.ts";

const TABLE = [
  "Limit                     Soft Limit           Hard Limit           Units     ",
  "Max processes             96365                96365                processes ",
  "Max open files            1024                 524288               files     ",
  "Max locked memory         8388608              8388608              bytes     ",
].join("\n");

test("the soft limit of open files", () => {
  expect(parseOpenFileLimit(TABLE)).toBe(1024);
  expect(parseOpenFileLimit(TABLE.replace("1024 ", "unlimited "))).toBe(Infinity);
  expect(parseOpenFileLimit("")).toBeUndefined();
});

test("a table cut at any byte gives the limit or nothing", () => {
  for (let end = 0; end <= TABLE.length; end += 1) {
    expect([undefined, 1024]).toContain(parseOpenFileLimit(TABLE.slice(0, end)));
  }
});

test("requests in flight: two connections each behind a router, one without", () => {
  expect(concurrencyWithin(1024, { hasRouter: true, workers: 2 })).toBe((1024 - 64 - 8) / 2);
  expect(concurrencyWithin(1024, { hasRouter: false, workers: 2 })).toBe(1024 - 64 - 8);
  expect(concurrencyWithin(50, { hasRouter: true, workers: 8 })).toBe(0);
  expect(concurrencyWithin(Infinity, { hasRouter: true })).toBe(Infinity);
});
