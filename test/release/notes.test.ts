import { expect, test } from "bun:test";
import { parseLog, releaseNotes } from "../../release/notes.ts";

const LOG = "cc\tload: third\tof it\nbb\tA word: with a capital\naa\tload: first\n99\tcli: help\n";

test("changes are listed under their part, the oldest first; a subject without a part under other", () => {
  expect(releaseNotes({ version: "1.2.3", date: "2026-01-02" }, parseLog(LOG))).toBe(
    "# dynbench 1.2.3\n\n2026-01-02. The first release: 4 changes, by part.\n\n" +
      "## cli\n\n- help (99)\n\n" +
      "## load\n\n- first (aa)\n- third\tof it (cc)\n\n" +
      "## other\n\n- A word: with a capital (bb)\n",
  );
});

test("a later release names the one before it", () => {
  const release = { version: "1.3.0", date: "2026-02-03", since: "v1.2.3" };
  expect(releaseNotes(release, [{ hash: "dd", subject: "sim: it" }])).toContain(
    "2026-02-03. Since v1.2.3: 1 change, by part.",
  );
});
