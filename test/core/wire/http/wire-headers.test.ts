import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wireHeaders } from "../../../../core/wire/http/wire-headers.ts";
import type { Wire } from "../../../../core/contract/plan.ts";

const wire: Wire = { form: "ids", connection: "keep-alive", headers: {}, body: {} };
const env = { KEY: "abc", EMPTY: "", LINES: "a\nb" };

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "dynbench-header-")), "token");
  writeFileSync(path, text);
  return path;
}

test("headers have the token of the named variable, unless a given header replaces it", () => {
  expect(wireHeaders(wire, env)).toEqual({});
  expect(wireHeaders({ ...wire, apiKeyEnv: "KEY" }, env)).toEqual({ authorization: "Bearer abc" });
  expect(
    wireHeaders({ ...wire, apiKeyEnv: "KEY", headers: { Authorization: "Basic x" } }, env),
  ).toEqual({ authorization: "Basic x" });
});

test("values come from variables and from files, without the line end of the last line", () => {
  const headersFrom = { "x-auth": { env: "KEY" }, "x-file": { file: file("t0ken\n") } };
  expect(wireHeaders({ ...wire, headersFrom }, env)).toEqual({
    "x-auth": "abc",
    "x-file": "t0ken",
  });
});

test("a value that is missing or cannot be sent is a fault that names the header, not the value", () => {
  const faults: [Partial<Wire>, string][] = [
    [{ apiKeyEnv: "NONE" }, 'Cannot send the API key: environment variable "NONE" is not set'],
    [
      { headersFrom: { "x-a": { env: "EMPTY" } } },
      '"x-a": environment variable "EMPTY" is not set',
    ],
    [{ headersFrom: { "x-a": { file: "/no/file" } } }, "there is no such file or folder"],
    [{ headersFrom: { "x-a": { file: file("\n") } } }, "is empty"],
    [{ headersFrom: { "x-a": { env: "LINES" } } }, 'header "x-a": its value has a character'],
    [{ headers: { "x-a": "s3cret…" } }, 'header "x-a": its value has a character'],
  ];
  for (const [more, message] of faults) {
    expect(() => wireHeaders({ ...wire, ...more }, env)).toThrow(message);
  }
});
