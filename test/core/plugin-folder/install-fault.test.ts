/** Output of Bun 1.4.5's package manager against a registry on loopback, and the faults made from it. */
import { describe, expect, test } from "bun:test";
import { installFault } from "../../../core/plugin-folder/install-fault.ts";

const HEAD = "bun add v1.4.5 (a7733435c)\nResolving dependencies\n";
const MANY = "Resolved, downloaded and extracted [6]\n";

describe("the package manager's output becomes a cause and a next step:", () => {
  test.each([
    [
      'error: No version matching "2.0.0" found for specifier "good" (but package exists)\nerror: good@2.0.0 failed to resolve',
      "the registry has no version 2.0.0 of it",
      undefined,
    ],
    [
      "error: GET http://127.0.0.1:33703/missing - 404",
      "the registry has no such package (404 of http://127.0.0.1:33703/missing)",
      undefined,
    ],
    [
      "error: GET http://127.0.0.1:33703/refused - 401",
      "the registry refuses it (401 of http://127.0.0.1:33703/refused)",
      "~/.npmrc",
    ],
    [
      "error: GET http://127.0.0.1:33703/broken - 500",
      "the registry answers 500 to http://127.0.0.1:33703/broken",
      "plugin pack",
    ],
    [
      "error: ConnectionRefused downloading package manifest good",
      "the registry cannot be reached for good (ConnectionRefused)",
      "plugin pack",
    ],
    [
      "error: DNSResolveFailed downloading package manifest @you/good",
      "the registry cannot be reached for @you/good (DNSResolveFailed)",
      "plugin pack",
    ],
    [
      "error: Integrity check failed for tarball: swapped\nerror: IntegrityCheckFailed extracting tarball from swapped",
      "the tarball of swapped is not the one that the registry names",
      undefined,
    ],
    [
      "error: Fail extracting tarball from torn",
      "the tarball of torn cannot be unpacked",
      "the disk of the plugin folder is full",
    ],
    [
      "1 | hello\n    ^\nerror: Unexpected hello\n    at words:1:1\n\nerror: PackageFailedToParse parsing package manifest for words",
      "what the registry answers for words is no description of a package",
      "npm_config_registry",
    ],
    [
      "error: one\nwarn: two\nerror: three\nerror: four\nerror: five",
      "one; three; four",
      undefined,
    ],
    ["", "the package manager failed", undefined],
  ])("%j", (printed, state, hint) => {
    const fault = installFault(`${HEAD}${MANY}${printed}\n`);
    expect(fault.state).toBe(state);
    if (hint === undefined) expect(fault.hint).toBeUndefined();
    else expect(fault.hint).toContain(hint);
  });
});
