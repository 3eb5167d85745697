import { describe, expect, test } from "bun:test";
import { editBody } from "../../../core/gateway/body-edit.ts";

const edit = { without: new Set(["max_tokens", "stream"]), add: '"max_tokens":1' };
const edited = (body: string): string => Buffer.from(editBody(Buffer.from(body), edit)).toString();

describe("a body's members", () => {
  test("can be removed and added, and the others keep their bytes", () => {
    const body = ' { "prompt" : [ 1,2 ],\n"max_tokens": 7 ,"é\\u00e9":"é\\"}",  "stream":true } ';
    // A name with an escape takes the other path: parsed and written again.
    expect(JSON.parse(edited(body))).toEqual({ max_tokens: 1, prompt: [1, 2], éé: 'é"}' });
    const plain = ' { "prompt" : [ 1,2 ],\n"max_tokens": 7 ,"x":"é\\"}",  "stream":true } ';
    expect(edited(plain)).toBe('{"max_tokens":1,"prompt" : [ 1,2 ],"x":"é\\"}"}');
  });

  test("of the same name below the top stay", () => {
    expect(edited('{"a":{"stream":1,"b":[{"max_tokens":2}]}}')).toBe(
      '{"max_tokens":1,"a":{"stream":1,"b":[{"max_tokens":2}]}}',
    );
  });

  test("may be absent, all removed, or present twice", () => {
    for (const body of ["{}", ' {"stream":false}', '{"stream":1,"max_tokens":{},"stream":[]}']) {
      expect(edited(body)).toBe('{"max_tokens":1}');
    }
  });

  test("with an escape in the name are found too", () => {
    expect(JSON.parse(edited('{"str\\u0065am":true,"x":1}'))).toEqual({ max_tokens: 1, x: 1 });
  });
});

test("an incomplete JSON object is refused, wherever it is cut", () => {
  const body = '{"prompt":[1,22,3],"x":{"y":"}\\""},"stream":true,"z":null}';
  for (let end = 0; end < body.length; end += 1) {
    expect(() => edited(body.slice(0, end)), body.slice(0, end)).toThrow();
  }
  for (const broken of ["[1]", '"x"', "null", "{}{}", '{"a":1,}', "{,}", '{"a" 1}']) {
    expect(() => edited(broken), broken).toThrow();
  }
});
