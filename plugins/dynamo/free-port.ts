/** A port that was free a moment ago, for programs that cannot be told to take one of the system's. */
import { createServer, type AddressInfo } from "node:net";

export function freePort(host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, host, () => {
    const { port } = server.address() as AddressInfo;
    server.close(() => resolve(port));
  });
  return promise;
}
