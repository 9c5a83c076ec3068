// SPDX-License-Identifier: Apache-2.0

/** Pages that no site would make: e2e/hostile.test.mjs has those that only a browser can. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { MAX_DEPTH, MAX_TEXT } from "../src/content/piece";
import { Reading } from "../src/content/reader";

const page = (html: string): Document => parseHTML(`<!doctype html><html><body>${html}</body></html>`).document as unknown as Document;

test("what is nested too deep is left out, and what stands around it is read", () => {
  const document = page("<p>앞</p><div id='deep'></div><p>뒤</p>");
  let at: Element | null = document.getElementById("deep");
  for (let i = 0; i < 10_000; i++) {
    const inner = document.createElement("div");
    if (i === MAX_DEPTH / 2) inner.append("가운데");
    at?.append(inner);
    at = inner;
  }
  at?.append("바닥");
  assert.equal(new Reading([document.body], "").text, "앞\n가운데\n뒤");
});

test("one node of a megabyte is read as far as any answer", () => {
  const document = page("<p></p><p>뒤</p>");
  const sentence = "독도는 한국의 섬이다. ";
  document.querySelector("p")?.append(sentence.repeat(1_000_000 / sentence.length));
  const { text } = new Reading([document.body], "");
  assert.ok(text.startsWith(sentence) && text.length <= MAX_TEXT + 2 && text.length > MAX_TEXT - 20);
  document.querySelector("p")?.replaceChildren("가".repeat(1_000_000));
  assert.equal(new Reading([document.body], "").text, "가".repeat(MAX_TEXT), "a word without an end too");
});

test("zero-width characters and marks of direction stand where they stood", () => {
  const document = page("<p>김\u200b치는 \u202e중국의\u202c 음식\u2066이다\u2069.</p>");
  const reading = new Reading([document.body], "");
  const place = reading.place(0, reading.text.length);
  assert.equal(place?.start.offset, 0);
  assert.equal(place?.end.offset, (document.querySelector("p")?.textContent ?? "").length);
});
