import { expect, test } from "bun:test";
import { v } from "dynbench";
import plugin from "./null-servers.ts";

// An engine of real servers is tested with them: here, that its options are what it starts with.
test("two workers, from port 9200 on", () => {
  expect(v.parse(plugin.options, {})).toMatchObject({ workers: 2, firstPort: 9200 });
});
