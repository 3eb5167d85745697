/** Files that are named as plugins and cannot be any. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-plugin-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(["README.md", "config.json", "page.html", "noext", "/dev/null", "/dev/zero"])(
  "%s is no module, whatever it would be loaded as",
  async (name) => {
    const path = name.startsWith("/") ? name : join(folder, name);
    if (!name.startsWith("/")) writeFileSync(path, "{}");
    await expect(new PluginSet([]).addFile(path)).rejects.toMatchObject({
      message: `Cannot load plugin ${path}: it is no module`,
      hint: "Name a file of TypeScript or JavaScript: router.ts, router.js",
    });
  },
);

test("a folder is named as one", async () => {
  const load = new PluginSet([]).addFile(folder);
  await expect(load).rejects.toThrow(`Cannot load plugin ${folder}: it is a folder`);
});
