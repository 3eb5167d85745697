/**
 * dynbench's ZMTP peers against libzmq, in both directions. Needs DYNBENCH_REAL=1 and a `python3` that
 * can import zmq (PYTHON names another one).
 */
import { describe, expect, test } from "bun:test";
import { startPublisher } from "../../core/wire/zmq/publisher.ts";
import { requestReplay, startReplayServer } from "../../core/wire/zmq/replay.ts";
import { encodeSequence } from "../../core/wire/zmq/sequence.ts";
import { connectSubscriber } from "../../core/wire/zmq/subscriber.ts";

const HOST = "127.0.0.1";
const PYTHON = process.env["PYTHON"] ?? "python3";
const available =
  process.env["DYNBENCH_REAL"] === "1" &&
  Bun.which(PYTHON) !== null &&
  Bun.spawnSync([PYTHON, "-c", "import zmq"]).exitCode === 0;

const MESSAGES = 2000;
const PAYLOAD_BYTES = 3000;

/** Runs a script with pyzmq; `lines` are its lines of output as they come. */
function python(script: string, ...args: (string | number)[]) {
  const child = Bun.spawn([PYTHON, "-u", "-c", `import sys, zmq\n${script}`, ...args.map(String)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const lines: string[] = [];
  const ended = (async () => {
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const whole = text.split("\n");
      text = whole.pop()!;
      lines.push(...whole);
    }
  })();
  return { lines, ended, stdin: child.stdin, [Symbol.dispose]: () => child.kill() };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe.skipIf(!available)("libzmq (skipped without DYNBENCH_REAL=1 and pyzmq)", () => {
  test("its SUB receives everything our PUB sends", async () => {
    await using publisher = startPublisher({ host: HOST, port: 0 });
    using subscriber = python(
      `
s = zmq.Context().socket(zmq.SUB)
s.setsockopt(zmq.HEARTBEAT_IVL, 20)
s.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)
s.subscribe(b"kv")
s.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
n = int(sys.argv[2])
ok = all((f := s.recv_multipart())[0] == b"kv-events" and int.from_bytes(f[1], "big") == i and f[2] == bytes([i % 256]) * int(sys.argv[3]) for i in range(n))
print("complete" if ok else "broken")
`,
      publisher.port,
      MESSAGES,
      PAYLOAD_BYTES,
    );
    await until(() => publisher.subscribers === 1);
    const topic = new TextEncoder().encode("kv-events");
    for (let i = 0; i < MESSAGES; i += 1) {
      const payload = new Uint8Array(PAYLOAD_BYTES).fill(i);
      publisher.send([topic, encodeSequence(i), payload]);
      if (i === MESSAGES / 2) await Bun.sleep(100); // some heartbeats go by
    }
    await subscriber.ended;
    expect(subscriber.lines).toEqual(["complete"]);
  });

  test("our SUB receives everything its PUB sends", async () => {
    using publisher = python(
      `
s = zmq.Context().socket(zmq.XPUB)
s.setsockopt(zmq.HEARTBEAT_IVL, 20)
s.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)
s.setsockopt(zmq.SNDHWM, 0)
print(s.bind_to_random_port("tcp://127.0.0.1"))
print(s.recv())
for i in range(int(sys.argv[1])):
    s.send_multipart([b"kv-events", i.to_bytes(8, "big"), bytes([i % 256]) * int(sys.argv[2])])
sys.stdin.readline()
`,
      MESSAGES,
      PAYLOAD_BYTES,
    );
    await until(() => publisher.lines.length > 0);
    const firsts: number[] = [];
    await using _ = connectSubscriber({
      host: HOST,
      port: Number(publisher.lines[0]),
      topic: "kv",
      onMessage: ([, , payload]) =>
        firsts.push(payload!.length === PAYLOAD_BYTES ? payload![0]! : -1),
    });
    await until(() => firsts.length === MESSAGES);
    expect(firsts).toEqual(Array.from({ length: MESSAGES }, (_value, i) => i % 256));
    expect(publisher.lines[1]).toBe("b'\\x01kv'");
    void publisher.stdin.write("\n");
    void publisher.stdin.end();
  });

  test("its DEALER and REQ are answered by our replay server", async () => {
    await using server = startReplayServer({
      host: HOST,
      port: 0,
      topic: "kv-events",
      form: "topic",
      from: (first) => [
        { sequence: first, payload: Uint8Array.of(1) },
        { sequence: first + 1, payload: Uint8Array.of(2) },
      ],
    });
    using asking = python(
      `
c = zmq.Context()
s = c.socket(zmq.DEALER)
s.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
s.send_multipart([b"", (7).to_bytes(8, "big")])
for _ in range(3): print(s.recv_multipart())
r = c.socket(zmq.REQ)
r.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
r.send((9).to_bytes(8, "big"))
print(r.recv_multipart())
`,
      server.port,
    );
    await asking.ended;
    const zeros = "\\x00".repeat(7);
    expect(asking.lines).toEqual([
      `[b'', b'kv-events', b'${zeros}\\x07', b'\\x01']`,
      `[b'', b'kv-events', b'${zeros}\\x08', b'\\x02']`,
      `[b'', b'', b'${"\\xff".repeat(8)}', b'']`,
      `[b'kv-events', b'${zeros}\\t', b'\\x01']`,
    ]);
  });

  test("its ROUTER answers our replay request", async () => {
    using router = python(`
s = zmq.Context().socket(zmq.ROUTER)
print(s.bind_to_random_port("tcp://127.0.0.1"))
identity, empty, first = s.recv_multipart()
for i in range(int.from_bytes(first, "big"), 5):
    s.send_multipart([identity, b"", b"kv-events", i.to_bytes(8, "big"), bytes([i])])
s.send_multipart([identity, b"", b"", b"\\xff" * 8, b""])
sys.stdin.readline()
`);
    await until(() => router.lines.length > 0);
    const replayed: [number, number][] = [];
    await requestReplay({
      host: HOST,
      port: Number(router.lines[0]),
      fromSequence: 3,
      onMessage: ({ sequence, payload }) => replayed.push([sequence, payload[0]!]),
    });
    expect(replayed).toEqual([
      [3, 3],
      [4, 4],
    ]);
    void router.stdin.write("\n");
    void router.stdin.end();
  });
});
