import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { fetchControl } from "../../../../core/wire/http/control.ts";
import { lacksTls } from "../../../../core/wire/http/tls-check.ts";

const fixture = (name: string) => Bun.file(join(import.meta.dir, "fixtures", name));
const at = (port: number | undefined) => ({ host: "127.0.0.1", port: port! });

function http(tls?: { key: Bun.BunFile; cert: Bun.BunFile }): number {
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") },
    ...(tls === undefined ? {} : { tls }),
  });
  afterAll(() => server.stop(true));
  return server.port!;
}

test("a port of TLS has it, whatever its certificate", async () => {
  const tls = { key: fixture("localhost-key.pem"), cert: fixture("localhost-cert.pem") };
  expect(await lacksTls(at(http(tls)))).toBe(false);
});

test("a port of plain HTTP lacks it, whether it answers, closes or waits in silence", async () => {
  const silent = Bun.listen({ ...at(0), hostname: "127.0.0.1", socket: { data() {} } });
  const closing = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { data: (socket) => void socket.end() },
  });
  afterAll(() => [silent, closing].forEach((server) => server.stop(true)));
  expect(await lacksTls(at(http()))).toBe(true);
  expect(await lacksTls(at(closing.port))).toBe(true);
  expect(await lacksTls(at(silent.port), 50)).toBe(true);
});

test("a port without a listener does not count as lacking TLS", async () => {
  expect(await lacksTls(at(1))).toBe(false);
});

test("a control request to a port of plain HTTP fails with that cause and a hint to use http://", async () => {
  const url = `https://127.0.0.1:${http()}`;
  const fault = await fetchControl(url).catch((error: unknown) => error);
  expect(fault).toMatchObject({
    message: `Cannot GET ${url}: that port does not answer TLS`,
    hint: "Use http:// if the server speaks plain HTTP",
  });
});
