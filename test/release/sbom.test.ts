import { expect, test } from "bun:test";
import { bunParts } from "../../release/contents.ts";
import { sbom } from "../../release/sbom.ts";
import { CONTENTS, LICENCE_PAGE } from "./sample-contents.ts";

test("the list names program, packages and runtime by purl, with the commit's time", () => {
  expect(sbom(CONTENTS)).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: "2023-11-14T22:13:20.000Z",
      component: { name: "dynbench", version: "1.2.3", purl: "pkg:npm/dynbench@1.2.3" },
    },
    components: [
      {
        purl: "pkg:npm/%40a/b@1.0.0",
        licenses: [{ expression: "MIT" }],
        hashes: [{ alg: "SHA-512", content: "0102" }],
      },
      { purl: "pkg:npm/c@2.0.0", licenses: [{ expression: "ISC" }] },
      { purl: "pkg:github/oven-sh/bun@bun-v1.4.5", version: "1.4.5" },
    ],
    dependencies: [
      {
        ref: "pkg:npm/dynbench@1.2.3",
        dependsOn: ["pkg:npm/%40a/b@1.0.0", "pkg:npm/c@2.0.0", "pkg:github/oven-sh/bun@bun-v1.4.5"],
      },
      { ref: "pkg:npm/%40a/b@1.0.0" },
      { ref: "pkg:npm/c@2.0.0" },
      { ref: "pkg:github/oven-sh/bun@bun-v1.4.5" },
    ],
  });
});

test("Bun's libraries are parts of Bun", () => {
  const { components } = sbom(CONTENTS) as { components: { components?: unknown[] }[] };
  expect(components.at(-1)!.components).toHaveLength(bunParts(LICENCE_PAGE).length);
});

test("its serial number is a UUID that depends only on the source", () => {
  const numberOf = (contents: object) => (contents as { serialNumber: string }).serialNumber;
  const number = numberOf(sbom(CONTENTS));
  expect(number).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(numberOf(sbom(CONTENTS))).toBe(number);
  expect(numberOf(sbom({ ...CONTENTS, commit: "f".repeat(40) }))).not.toBe(number);
});
