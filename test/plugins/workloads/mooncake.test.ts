import { describe, expect, test } from "bun:test";
import { randomStream, v, type RequestSpec } from "dynbench";
import { SegmentBlocks } from "../../../core/routing/kv/segment-blocks.ts";
import { mooncake } from "../../../plugins/workloads/mooncake.ts";
import { testWorkload } from "../../conformance/workload.ts";
import { scratchFile } from "./scratch-file.ts";

const ROWS = [
  { timestamp: 0, input_length: 1100, output_length: 10, hash_ids: [0, 1, 2] },
  { timestamp: 500, input_length: 1024, output_length: 20, hash_ids: [0, 1] },
  { timestamp: 500, input_length: 700, output_length: 30, hash_ids: [0, 3] },
  { timestamp: 2000, input_length: 1300, output_length: 40, hash_ids: [0, 1, 2] },
  { timestamp: 3000, input_length: 512, output_length: 50, hash_ids: [4] },
];

const trace = scratchFile("trace.jsonl", ROWS.map((row) => JSON.stringify(row)).join("\n"));
const signal = new AbortController().signal;

async function requestsOf(raw: Record<string, unknown>, count?: number): Promise<RequestSpec[]> {
  const options = v.parse(mooncake.options, { trace, ...raw });
  const rows = await mooncake.read!(options, signal);
  const random = randomStream(1, "workload");
  const requests: RequestSpec[] = [];
  for await (const spec of mooncake.requests(options, { rows, random, count })) requests.push(spec);
  return requests;
}

const options = v.parse(mooncake.options, { trace, synthesize: true });
testWorkload({
  workload: mooncake,
  required: { trace },
  rows: await mooncake.read!(v.parse(mooncake.options, { trace }), signal),
  length: ROWS.length,
  // As far as hash ids agree; the last one of a row counts for the tokens that the row has left.
  sharedTokens: (a, b) => {
    const [one, other] = [ROWS[a.index]!, ROWS[b.index]!];
    const parting = one.hash_ids.findIndex((id, i) => id !== other.hash_ids[i]);
    const agreed = parting === -1 ? one.hash_ids.length : parting;
    return Math.min(agreed * 512, one.input_length, other.input_length);
  },
});
testWorkload({
  workload: mooncake,
  required: { trace },
  cases: [{ prefixLenMultiplier: 2, promptLenMultiplier: 3 }, { prefixRootMultiplier: 4 }],
  rows: await mooncake.read!(options, signal),
  length: ROWS.length,
});

describe("a replay", () => {
  test("has the trace's times, lengths and blocks, the last one as long as it is", async () => {
    const requests = await requestsOf({});
    expect(requests.map(({ atNs }) => atNs)).toEqual([0, 5e8, 5e8, 2e9, 3e9]);
    expect(requests.map(({ isl }) => isl)).toEqual([1100, 1024, 700, 1300, 512]);
    expect(requests.map(({ osl }) => osl)).toEqual([10, 20, 30, 40, 50]);
    expect(requests[0]!.prompt).toEqual([
      { content: 0, tokens: 512 },
      { content: 1, tokens: 512 },
      { content: 2, tokens: 76 },
    ]);
  });

  test("shares at every block size of an engine exactly the tokens shared in the trace", async () => {
    const requests = await requestsOf({});
    for (const blockSize of [16, 64, 100, 512, 1000]) {
      const blocks = new SegmentBlocks(blockSize);
      const [first, second, third, fourth] = requests.map(({ prompt, isl }) =>
        blocks.blocksOf(prompt, isl),
      );
      const shared = (a: Int32Array, b: Int32Array): number => {
        let count = 0;
        while (count < a.length && a[count] === b[count]) count += 1;
        return count;
      };
      expect(shared(first!, second!)).toBe(Math.floor(1024 / blockSize));
      expect(shared(first!, third!)).toBe(Math.floor(512 / blockSize));
      // The third block is partial in the first row: 76 tokens are shared with the fourth, not 276.
      expect(shared(first!, fourth!)).toBe(Math.floor(1100 / blockSize));
    }
  });

  test("can be sped up, cut by time and by number, and stops at the count", async () => {
    const times = async (raw: Record<string, unknown>, count?: number) =>
      (await requestsOf(raw, count)).map(({ atNs }) => atNs! / 1e6);
    expect(await times({ arrivalSpeedup: 10 })).toEqual([0, 50, 50, 200, 300]);
    expect(await times({ from: 0.5, to: 3 })).toEqual([0, 0, 1500]);
    expect(await times({ from: 0.5, rows: 2 })).toEqual([0, 0]);
    await expect(times({ from: 2.5, to: 2.9 })).rejects.toMatchObject({
      message: `Cannot use "${trace}": no row is at --from 2.5 or later and before --to 2.9`,
      hint: "The last row that was read is at 3 s",
    });
    expect(await times({}, 2)).toEqual([0, 500]);
  });

  test("of rows without hash ids shares nothing", async () => {
    const bare = scratchFile("bare.jsonl", '{"input_length":64,"output_length":1}\n'.repeat(2));
    const [first, second] = await requestsOf({ trace: bare });
    expect(first!.prompt).not.toEqual(second!.prompt);
    expect(first!.atNs).toBeUndefined();
  });

  test("keeps session and priority", async () => {
    const row = { input_length: 64, output_length: 1, session_id: "s", priority: 3 };
    const [request] = await requestsOf({ trace: scratchFile("s.jsonl", JSON.stringify(row)) });
    expect(request).toMatchObject({ session: "s", priority: 3 });
  });
});

describe("a synthesis", () => {
  test("is requested by any multiplier or bound, and by name; not by the speed of arrivals", async () => {
    const plain = await requestsOf({});
    for (const raw of [
      { synthesize: true },
      { oslMultiplier: 2 },
      { minIsl: 600 },
      { maxOsl: 5 },
    ]) {
      expect(await requestsOf(raw)).not.toEqual(plain);
    }
    const sped = await requestsOf({ arrivalSpeedup: 2 });
    expect(sped.map(({ prompt }) => prompt)).toEqual(plain.map(({ prompt }) => prompt));
  });

  test("is of all points of a sweep or of none", () => {
    const drawn = (...raws: object[]) =>
      mooncake.alike!(raws.map((raw) => v.parse(mooncake.options, { trace, ...raw }))).map(
        ({ synthesize }) => synthesize,
      );
    expect(drawn({ prefixRootMultiplier: 1 }, { prefixRootMultiplier: 3 })).toEqual([true, true]);
    expect(drawn({ arrivalSpeedup: 1 }, { arrivalSpeedup: 3 })).toEqual([false, false]);
    // Whoever sweeps it asks for the difference.
    expect(drawn({ synthesize: false }, { synthesize: true })).toEqual([false, true]);
  });

  test("is noted, at the multiplier 1 too", async () => {
    const notes = async (raw: object) => {
      const chosen = v.parse(mooncake.options, { trace, ...raw });
      return mooncake.notes!(chosen, await mooncake.read!(chosen, signal));
    };
    expect(await notes({})).toEqual([]);
    expect(await notes({ synthesize: true, prefixRootMultiplier: 1 })).toEqual([
      "New rows are drawn that share prefixes like those of the trace, at every point of a sweep",
    ]);
  });

  test("has as many requests as the trace, or as the load requests", async () => {
    expect(await requestsOf({ synthesize: true })).toHaveLength(ROWS.length);
    expect(await requestsOf({ synthesize: true }, 40)).toHaveLength(40);
  });
});

describe("faults", () => {
  const faultOf = (text: string, raw = {}): Promise<string> =>
    requestsOf({ trace: scratchFile("faulty.jsonl", text), ...raw }).then(
      (requests) => `${requests.length} requests`,
      (error: Error) => error.message.replace(/"[^"]*faulty/, '"faulty'),
    );
  const line = (change: Record<string, unknown>): string =>
    JSON.stringify({ ...ROWS[1], ...change });

  test("name file, line and field", async () => {
    const good = JSON.stringify(ROWS[0]);
    expect(await faultOf(`${good}\n\n${line({ input_length: -1 })}`)).toBe(
      'Cannot read "faulty.jsonl": line 3: "input_length" must be a whole number from 1 to 100000000, and is -1',
    );
    expect(await faultOf(`${line({})}\n${line({ timestamp: 400 })}`)).toBe(
      'Cannot read "faulty.jsonl": line 2: "timestamp" goes back: 400 ms comes after 500 ms',
    );
    expect(await faultOf(`${line({})}\n${line({ timestamp: undefined })}`)).toContain(
      'line 2: "timestamp" is missing, and earlier rows have one',
    );
    expect(await faultOf("\n\n")).toContain("there is no row in it");
  });

  test("are skipped when the reader is lenient", async () => {
    const text = [line({}), "{", line({ timestamp: 400 }), line({ osl: 1 })].join("\r\n");
    expect(await faultOf(text, { lenient: true })).toBe("2 requests");
  });

  test("of the options are reported with the plan", () => {
    const check = (raw: Record<string, unknown>): string[] =>
      mooncake.check!(v.parse(mooncake.options, { trace, ...raw })).map(
        ({ path, message }) => `${path}: ${message}`,
      );
    expect(check({ minIsl: 5, maxIsl: 4, minOsl: 3, maxOsl: 2, from: 9, to: 9 })).toEqual([
      "minIsl: 5 is above --max-isl, 4",
      "minOsl: 3 is above --max-osl, 2",
      "from: 9 is not before --to, 9",
    ]);
    expect(check({})).toEqual([]);
  });
});
