/** The contents of a small binary. */
import { readFileSync } from "node:fs";
import type { Contents } from "../../release/contents.ts";

export const LICENCE_PAGE = readFileSync("node_modules/bun-types/docs/project/license.mdx", "utf8");

export const CONTENTS: Contents = {
  version: "1.2.3",
  commit: "0123456789abcdef0123456789abcdef01234567",
  epoch: 1_700_000_000,
  ownLicence: "Own words.",
  packages: [
    {
      name: "@a/b",
      version: "1.0.0",
      licence: "MIT",
      text: "Words of b.",
      integrity: "sha512-AQI=",
    },
    { name: "c", version: "2.0.0", licence: "ISC" },
  ],
  bun: { version: "1.4.5", page: LICENCE_PAGE },
};
