import { expect, test } from "bun:test";
import { bunParts, packageFolders } from "../../release/contents.ts";
import { LICENCE_PAGE } from "./sample-contents.ts";

test("packages are the innermost folders below node_modules, each once", () => {
  expect(
    packageFolders([
      "core/main.ts",
      "node_modules/z/lib/a.js",
      "node_modules/z/b.js",
      "node_modules/@a/b/src/index.js",
      "node_modules/@a/b/node_modules/@c/d/index.js",
    ]),
  ).toEqual(["node_modules/@a/b", "node_modules/@a/b/node_modules/@c/d", "node_modules/z"]);
});

test("the libraries that Bun links are read from its own page, including the engine under the LGPL", () => {
  const parts = bunParts(LICENCE_PAGE);
  const licenceOf = (name: string) => parts.find((part) => part.name === name)?.licence;
  expect(licenceOf("JavaScriptCore")).toBe("LGPL-2");
  expect(licenceOf("tinycc")).toBe("LGPL v2.1");
  expect(licenceOf("boringssl")).toBe("several licenses");
  expect(licenceOf("libicu 78")).toBe("ICU license");
  expect(licenceOf("vm-browserify")).toBe("MIT");
  expect(parts.filter(({ name, licence }) => /[[\]`|]/.test(name + licence))).toEqual([]);
});

test("a page of another form is refused, and not read as a Bun without libraries", () => {
  expect(() => bunParts(LICENCE_PAGE.replace("statically links JavaScriptCore", ""))).toThrow();
  expect(() => bunParts(LICENCE_PAGE.replaceAll("|", ";"))).toThrow("another form");
});
