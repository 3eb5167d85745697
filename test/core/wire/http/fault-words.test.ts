import { describe, expect, test } from "bun:test";
import { fetchControl } from "../../../../core/wire/http/control.ts";
import { faultWords } from "../../../../core/wire/http/fault-words.ts";

describe("faultWords", () => {
  test("puts a known code into words and keeps it", () => {
    const error = Object.assign(new Error("Unable to connect. Is the computer able to access?"), {
      code: "ECONNREFUSED",
    });
    expect(faultWords(error)).toBe("connection refused (ECONNREFUSED)");
  });
  test("keeps an unknown code, and the message of an error without one", () => {
    expect(faultWords(Object.assign(new Error("x"), { code: "EODD" }))).toBe("EODD");
    expect(faultWords(new Error("odd"))).toBe("odd");
    expect(faultWords(Object.assign(new Error("timed out"), { code: 23 }))).toBe("timed out");
    expect(faultWords("odd")).toBe("odd");
  });
});

test("a control request to a refused port fails without the runtime's message", async () => {
  await expect(fetchControl("http://127.0.0.1:1/health")).rejects.toThrow(
    /^Cannot GET http:\/\/127\.0\.0\.1:1\/health: connection refused \(ECONNREFUSED\)$/,
  );
});
