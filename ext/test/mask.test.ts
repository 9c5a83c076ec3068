// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { mask } from "../src/mask/mask";
import { read } from "./top";

interface Case {
  text: string;
  masked: string;
  /** What is masked, as it stands in the text: neither bytes nor UTF-16 units need be counted. */
  pieces: { kind: string; text: string }[];
}

const CASES = JSON.parse(read("server/review/mask/testdata/cases.json")) as Case[];

test("the cases that the server's masking is held to hold here too", () => {
  assert.ok(CASES.length > 100);
  for (const { text, masked, pieces } of CASES) {
    const got = mask(text);
    assert.equal(got.text, masked, JSON.stringify(text));
    assert.deepEqual(got.spans.map(({ kind, start, end }) => ({ kind, text: text.slice(start, end) })), pieces, text);
  }
});

test("what is masked is not masked again", () => {
  for (const { masked } of CASES) assert.deepEqual(mask(masked).spans, [], masked);
});

test("spans lie in the text, do not overlap and make the masked text, also in nonsense", () => {
  const pieces = ["010-1234-5678", "\u200b", "a@b.co", "\ud800", "𝟘", "１", "가", "漢", "::", "900101-1234567", " ", "\n", "+82", "M12345678", "://", "[phone]", "ー", "ISBN ", "여권"];
  let seed = 7;
  const draw = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % n;
  for (let i = 0; i < 3_000; i++) {
    const text = Array.from({ length: 1 + draw(8) }, () => pieces[draw(pieces.length)] ?? "").join("");
    const got = mask(text);
    let at = 0;
    let made = "";
    for (const { kind, start, end } of got.spans) {
      assert.ok(start >= at && end > start && end <= text.length, JSON.stringify(text));
      made += `${text.slice(at, start)}[${kind}]`;
      at = end;
    }
    assert.equal(made + text.slice(at), got.text);
  }
});

test("years alone, however they are joined, are history", () => {
  for (const join of ["-", "–", "~", ", ", "·", " ", "/"]) {
    for (const end of ["", "년", " AD"]) assert.deepEqual(mask(["1592", "1598", "1894", "1910"].join(join) + end).spans, []);
  }
});

test("a long hostile text is masked in time that grows with its length", () => {
  for (const unit of ["0", "1:", "a.", "010-", "+1 ", "a@", "골뱅이", "a://b@"]) mask(unit.repeat(4_000 / unit.length));
});
