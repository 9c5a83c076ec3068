// SPDX-License-Identifier: Apache-2.0

import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { dismissalKey, MOST_DISMISSED, withDismissal, withoutDismissal } from "../src/store/dismissals";
import { Findings, isFound, MOST_FINDINGS, QUESTION_EXCERPT, type Found } from "../src/store/findings";

const DAY = 86_400_000;
const NOW = 1_800_000_000_000;
const found: Found = {
  rule: "kimchi-origin-china",
  proposition: "origin",
  verdict: "distortion",
  tier: "A",
  quote: "김치의 원산지는 중국이다.",
  question: "김치의 원산지는?",
  rules: "abc",
  sequence: 3,
  model: "haechi-stance-1",
};
const store = new Findings();
const quotes = async (): Promise<string[]> => (await store.all()).map(({ quote }) => quote);

beforeEach(() => store.clear());

test("the same finding on the same site is kept once, with when it was last shown", async () => {
  await store.add([found, found], "chatgpt.com", NOW, 30);
  await store.add([{ ...found, model: "haechi-stance-2" }], "chatgpt.com", NOW + 5, 30);
  await store.add([found], "chat.deepseek.com", NOW + 1, 30);
  const all = await store.all();
  assert.deepEqual(all.map(({ host, time, model }) => [host, time, model]), [
    ["chatgpt.com", NOW + 5, "haechi-stance-2"],
    ["chat.deepseek.com", NOW + 1, "haechi-stance-1"],
  ]);
});

test("nothing is kept longer than was asked for", async () => {
  await store.add([{ ...found, quote: "old" }], "a", NOW - 30 * DAY - 1, 30);
  await store.add([{ ...found, quote: "edge" }], "a", NOW - 30 * DAY, 30);
  await store.add([{ ...found, quote: "new" }], "a", NOW, 30);
  assert.deepEqual(await quotes(), ["new", "edge"]);
  await store.prune(NOW, 7);
  assert.deepEqual(await quotes(), ["new"]);
  await store.prune(NOW, 0);
  assert.deepEqual(await quotes(), []);
});

test("with 0 days nothing is kept at all", async () => {
  await store.add([found], "a", NOW, 0);
  assert.deepEqual(await quotes(), []);
});

test("above the limit the oldest go", async () => {
  const many = Array.from({ length: MOST_FINDINGS }, (_, i) => ({ ...found, quote: `q${i}` }));
  await store.add([{ ...found, quote: "oldest" }, { ...found, quote: "second" }], "a", NOW - 2, 30);
  await store.add(many, "a", NOW, 30);
  const kept = await quotes();
  assert.equal(kept.length, MOST_FINDINGS);
  assert.ok(!kept.includes("oldest") && !kept.includes("second"));
});

test("only the named fields are kept, and only the beginning of a question", async () => {
  const more = { ...found, question: "가".repeat(1000), page: "https://chatgpt.com/c/secret" };
  await store.add([more], "a", NOW, 30);
  const [entry] = await store.all();
  assert.equal(entry?.question.length, QUESTION_EXCERPT);
  assert.ok(!JSON.stringify(entry).includes("secret"));
});

test("what a content script sends is looked at before it is kept", () => {
  assert.ok(isFound(found));
  for (const wrong of [null, "x", {}, { ...found, quote: "" }, { ...found, verdict: "<b>" }, { ...found, rule: "r".repeat(500) }, { ...found, sequence: "1" }]) {
    assert.ok(!isFound(wrong), JSON.stringify(wrong));
  }
});

test("a dismissal is known again by rule and sentence, whatever the spaces", async () => {
  const key = await dismissalKey("rule", "한  문장.\n");
  assert.equal(key, await dismissalKey("rule", "한 문장."));
  assert.notEqual(key, await dismissalKey("other", "한 문장."));
  assert.notEqual(key, await dismissalKey("rule", "다른 문장."));
  assert.ok(!key.includes("문장"));
  assert.deepEqual(withoutDismissal(withDismissal({}, key, 1), key), {});
});

test("the oldest dismissals are forgotten above the limit", () => {
  let dismissed = Object.fromEntries(Array.from({ length: MOST_DISMISSED }, (_, i) => [`k${i}`, i]));
  dismissed = withDismissal(dismissed, "new", 1e9);
  assert.equal(Object.keys(dismissed).length, MOST_DISMISSED);
  assert.ok("new" in dismissed && !("k0" in dismissed) && "k1" in dismissed);
});
