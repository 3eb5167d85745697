/** Whether what came back is a row of HTTP/1.1 answers that a client can read, and no sign of a crash. */

/**
 * What is wrong, or undefined. `sent`: what was asked, as latin1. Of the mocker only the first line counts:
 * its server is Bun's, which drops an answer whose client has closed its side, and writes a refusal of
 * what comes behind a request into the answer under way (Bun 1.4.5).
 */
export function answerFault(
  text: string,
  { sent, by }: { sent: string; by: "gateway" | "mocker" },
): string | undefined {
  if (/\n\s+at [^\n]+:\d+:\d+/.test(text)) return "a stack in an answer";
  const error = /^HTTP\/1\.1 500 /m.exec(text);
  if (error) return `status 500: ${text.slice(error.index, error.index + 600)}`;
  if (/\bNaN\b/.test(text) && !sent.includes("NaN")) return "a NaN in an answer";
  // An answer to HEAD has the length of what it leaves out.
  if (/HEAD/i.test(sent)) return undefined;
  if (by === "mocker") {
    return text === "" || /^HTTP\/1\.1 \d{3} /.test(text) ? undefined : "no status line";
  }
  let rest = text;
  while (rest !== "") {
    const next = afterAnswer(rest);
    if (typeof next !== "string") return `${next.fault}: ${rest.slice(0, 200)}`;
    rest = next;
  }
  return undefined;
}

/** What comes after the first answer; an answer may be cut where the client has broken off. */
function afterAnswer(text: string): string | { fault: string } {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return { fault: "no head" };
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line)?.[1];
  if (status === undefined) return { fault: "no status line" };
  const odd = fields.find(
    (field) => !/^[!#$%&'*+.^_`|~\w-]+: ?[\t\x20-\x7e\x80-\xff]*$/.test(field),
  );
  if (odd !== undefined) return { fault: `a header line "${odd}"` };
  const body = text.slice(end + 4);
  if (status.startsWith("1") || status === "204" || status === "304") return body;
  const valueOf = (name: string): string | undefined =>
    fields
      .find((field) => field.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  if (valueOf("transfer-encoding") === "chunked") return afterChunks(body);
  const length = valueOf("content-length");
  if (length === undefined) return "";
  if (!/^\d+$/.test(length)) return { fault: `a length "${length}"` };
  return body.slice(Number(length));
}

function afterChunks(body: string): string | { fault: string } {
  let rest = body;
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (line === null) return /^[0-9a-f]*\r?$/i.test(rest) ? "" : { fault: "no size of a chunk" };
    const size = Number.parseInt(line[1]!, 16);
    rest = rest.slice(line[0].length);
    if (rest.length < size + 2) return "";
    if (!rest.startsWith("\r\n", size)) return { fault: "a chunk of another size" };
    rest = rest.slice(size + 2);
    if (size === 0) return rest;
  }
}
