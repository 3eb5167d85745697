import { expect, test } from "bun:test";
import { licencesText } from "../../release/licences.ts";
import { CONTENTS } from "./sample-contents.ts";

test("every part has its name, version, licence, and text where there is one", () => {
  const text = licencesText(CONTENTS);
  for (const words of [
    "dynbench 1.2.3\nLicence: Apache-2.0",
    "Own words.",
    "@a/b 1.0.0\nLicence: MIT",
    "Words of b.",
    "c 2.0.0\nLicence: ISC",
    "The package c 2.0.0 brings no text of its licence.",
    "Bun 1.4.5\n",
    "- JavaScriptCore: LGPL-2 (https://github.com/oven-sh/webkit)",
    "To relink Bun with changes:",
    "- zlib-ng: zlib (",
  ]) {
    expect(text).toContain(words);
  }
  expect(text).not.toMatch(/^---$|^\|/m);
});
