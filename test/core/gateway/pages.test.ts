/** What a page in a real browser can do to a gateway on loopback. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { describeBrowser, startBrowser } from "../../reports/browser.ts";
import {
  answerStream,
  firstEligible,
  gatewayOf,
  startWorker,
  type RunningGateway,
} from "./stand-ins.ts";

/** A name that only this browser knows, and that leads to loopback, as after DNS rebinding. */
const REBOUND = "evil.example";

describeBrowser("a page of another origin", () => {
  let browser: Browser;
  let page: Page;
  let site: Bun.Server<undefined>;
  let worker: ReturnType<typeof startWorker>;
  let gateway: RunningGateway;
  let served = 0;

  beforeAll(async () => {
    worker = startWorker("worker-0", (received) => {
      served += 1;
      answerStream(received);
    });
    gateway = await gatewayOf([worker.worker], firstEligible);
    site = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response("<title>a page</title>", { headers: { "content-type": "text/html" } }),
    });
    browser = await startBrowser(`--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`);
    page = await browser.newPage();
    await (await gateway.post({ prompt: [1] })).text();
    served = 0;
  }, 30_000);
  afterAll(async () => {
    await browser?.close();
    await site?.stop(true);
    await gateway?.[Symbol.asyncDispose]();
    worker?.[Symbol.dispose]();
  });

  /** `fetch` in the page: the status, or that the browser kept the answer from the page. */
  const fetched = (url: string, init: object): Promise<unknown> =>
    page.evaluate(
      `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then((r) => r.status || r.type, (e) => e.name)`,
    );
  const mustBeUntouched = async (): Promise<void> => {
    expect(served).toBe(0);
    expect((await gateway.state()).requests).toBe(1);
  };

  test("resets nothing, reads nothing and sends the workers nothing", async () => {
    await page.goto(`http://127.0.0.1:${site.port}/`);
    const blind = { method: "POST", mode: "no-cors" };
    const prompt = '{"prompt":[1,2,3]}';
    expect(await fetched(`${gateway.url}/dynbench/reset`, blind)).toBe("opaque");
    expect(await fetched(`${gateway.url}/v1/completions`, { ...blind, body: prompt })).toBe(
      "opaque",
    );
    const json = { method: "POST", headers: { "content-type": "application/json" }, body: prompt };
    expect(await fetched(`${gateway.url}/v1/completions`, json)).toBe("TypeError");
    expect(await fetched(`${gateway.url}/dynbench/state`, {})).toBe("TypeError");
    await mustBeUntouched();
  });

  test("does no more under its own name for the gateway's address", async () => {
    const { port } = new URL(gateway.url);
    const rebound = `http://${REBOUND}:${port}`;
    await page.goto(`${rebound}/health`);
    expect(await fetched(`${rebound}/dynbench/state`, {})).toBe(403);
    expect(await fetched(`${rebound}/dynbench/reset`, { method: "POST" })).toBe(403);
    const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    expect(await fetched(`${rebound}/v1/completions`, json)).toBe(403);
    await mustBeUntouched();
  });
});
