/** What may stand beside a saved plan, and where its reporters may write. */
import { expect, test } from "bun:test";
import { savedPlan } from "../../../../core/cli/commands/saved-plan.ts";
import type { Plan } from "../../../../core/contract/plan.ts";
import { faultsOf, planOf, samplePlugins, typed } from "../../plan/sample-plugins.ts";

const read = async (value: Plan, ...options: readonly (readonly [string, unknown])[]) => {
  const beside = { options: typed(...options), engineArgs: [], plugins: samplePlugins() };
  try {
    return await savedPlan({ value, name: "p.json" }, beside, []);
  } catch (error) {
    return (error as { faults: { path: string; message: string; hint?: string }[] }).faults;
  }
};

test("a reporter writes outside the run folder only where that was typed", async () => {
  for (const path of ["/etc/cron.d/x", "../x", "a/../../x", ".."]) {
    const plan = planOf(["page.path", path]);
    expect(await read(plan)).toEqual([
      {
        path: "page.path",
        message: `${path} is outside the run folder`,
        hint: `To allow it, type it: --page.path ${path}`,
      },
    ]);
    expect(await read(plan, ["page.path", path])).toMatchObject({ plan });
  }
  for (const path of ["page.html", "a/b/../page.html", "..page", "...", "a/..b"]) {
    expect(await read(planOf(["page.path", path]))).toMatchObject({ json: false });
  }
});

test("a typed path must be the plan's, and other options change nothing", async () => {
  expect(await read(planOf(["page.path", "../x"]), ["page.path", "../y"])).toMatchObject([
    { path: "--page.path", message: "the plan has ../x, and cannot be changed" },
  ]);
  expect(await read(planOf(), ["isl", "5"])).toMatchObject([
    { path: "--isl", message: "cannot change a saved plan" },
  ]);
  expect(faultsOf(["page.path", "/tmp/x"])).toEqual([]); // a new plan is typed
});
