// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { byeOfClose, decode, encode, NonsenseError, type ClientFrame } from "../src/sync/wire";
import { list, read } from "./top";

const GOLDEN = "server/wire/testdata";
const CLIENT = new Set(["hello", "since", "full"]);

for (const name of list(GOLDEN, ".json")) {
  const text = read(GOLDEN, name).trimEnd();
  const { type } = JSON.parse(text) as { type: string };
  if (CLIENT.has(type)) {
    test(`${name} is what the client sends`, () => assert.equal(encode(JSON.parse(text) as ClientFrame), text));
    continue;
  }
  test(`${name} is read`, () => {
    const frame = decode(text);
    if (type === "delta" || type === "snapshot" || type === "log") {
      assert.equal(frame.type, type === "log" ? "log" : "update");
      assert.equal("raw" in frame && frame.raw, text);
    } else {
      assert.deepEqual(frame, JSON.parse(text));
    }
  });
}

for (const name of list(`${GOLDEN}/bad`, ".txt")) {
  test(`bad/${name}: nothing gets through`, () => {
    for (const line of read(GOLDEN, "bad", name).split("\n")) {
      const type = /^\{"type":"(hello|since|full)"/.exec(line);
      if (type) continue; // what only a client sends is the server's to refuse
      try {
        assert.equal(decode(line).type, "unknown", line);
      } catch (error) {
        assert.ok(error instanceof NonsenseError, line);
      }
    }
  });
}

test("binary and oversized frames are nonsense", () => {
  assert.throws(() => decode(new ArrayBuffer(4)), NonsenseError);
  assert.throws(() => decode(`"${"x".repeat(8 * 1024 * 1024)}"`), NonsenseError);
});

test("unknown codes of bye and close mean wait", () => {
  assert.deepEqual(decode('{"type":"bye","code":"moved","retry_ms":5}'), { type: "bye", code: "limit", retry_ms: 5 });
  assert.deepEqual([1000, 1006, 4000, 4001, 4100, 4200, 4999].map(byeOfClose), [undefined, undefined, "restart", "slow", "limit", "protocol", "limit"]);
});
