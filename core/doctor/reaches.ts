/** Whether something listens there. */

const LIMIT_MS = 1000;

export async function reaches(hostname: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), LIMIT_MS);
  Bun.connect({ hostname, port, socket: { data: () => {} } }).then(
    (socket) => {
      socket.end();
      resolve(true);
    },
    () => resolve(false),
  );
  const isThere = await promise;
  clearTimeout(timer);
  return isThere;
}
