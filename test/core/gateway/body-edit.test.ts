import { describe, expect, test } from "bun:test";
import { editBody } from "../../../core/gateway/body-edit.ts";

const edit = { without: new Set(["max_tokens", "stream"]), add: '"max_tokens":1' };
const edited = (body: string): string => Buffer.from(editBody(Buffer.from(body), edit)).toString();

describe("a body's members", () => {
  test("are left out and put in, and the others keep their bytes", () => {
    const body = ' { "prompt" : [ 1,2 ],\n"max_tokens": 7 ,"é\\u00e9":"é\\"}",  "stream":true } ';
    // The name with an escape goes the other way: parsed and written.
    expect(JSON.parse(edited(body))).toEqual({ max_tokens: 1, prompt: [1, 2], éé: 'é"}' });
    const plain = ' { "prompt" : [ 1,2 ],\n"max_tokens": 7 ,"x":"é\\"}",  "stream":true } ';
    expect(edited(plain)).toBe('{"max_tokens":1,"prompt" : [ 1,2 ],"x":"é\\"}"}');
  });

  test("of the same name below the top stay", () => {
    expect(edited('{"a":{"stream":1,"b":[{"max_tokens":2}]}}')).toBe(
      '{"max_tokens":1,"a":{"stream":1,"b":[{"max_tokens":2}]}}',
    );
  });

  test("may be none, or all left out, or written twice", () => {
    for (const body of ["{}", ' {"stream":false}', '{"stream":1,"max_tokens":{},"stream":[]}']) {
      expect(edited(body)).toBe('{"max_tokens":1}');
    }
  });

  test("that are named with an escape are found all the same", () => {
    expect(JSON.parse(edited('{"str\\u0065am":true,"x":1}'))).toEqual({ max_tokens: 1, x: 1 });
  });
});

test("what is no whole JSON object is refused, wherever it is cut", () => {
  const body = '{"prompt":[1,22,3],"x":{"y":"}\\""},"stream":true,"z":null}';
  for (let end = 0; end < body.length; end += 1) {
    expect(() => edited(body.slice(0, end)), body.slice(0, end)).toThrow();
  }
  for (const broken of ["[1]", '"x"', "null", "{}{}", '{"a":1,}', "{,}", '{"a" 1}']) {
    expect(() => edited(broken), broken).toThrow();
  }
});
