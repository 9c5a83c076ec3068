// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Card } from "../src/engine/abi";
import { csv, json, rows } from "../src/panel/export";
import { EVERYTHING, filtered } from "../src/panel/filter";
import type { Entry } from "../src/store/findings";

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-24T12:00:00Z");
const entry = (change: Partial<Entry>): Entry => ({
  id: "1",
  host: "chatgpt.com",
  time: NOW,
  rule: "kimchi-origin-china",
  proposition: "origin",
  verdict: "distortion",
  tier: "A",
  quote: "김치의 원산지는 중국이다.",
  question: "김치는?",
  rules: "abc",
  sequence: 3,
  model: "m",
  ...change,
});
const card: Card = {
  rule: "kimchi-origin-china",
  proposition: "origin",
  tier: "A",
  verdict: "distortion",
  title: "김치의 기원",
  claim: "김치는 중국에서 왔다.",
  correction: "그렇지 않습니다.",
  positions: [{ holder: "한쪽", text: "…" }],
  sources: [{ title: "백과", publisher: "연구원", year: 2020, url: "https://example.kr/a", lang: "ko" }],
  rules: "abc",
  sequence: 3,
  model: "m",
};
const cards = { of: async ({ rule }: Entry) => (rule === card.rule ? card : undefined) };
const title = (rule: string): string => (rule === card.rule ? card.title : rule);

/** Reads RFC 4180 back, so that the writer is held to it. */
function parse(text: string): string[][] {
  const cells = [...text.matchAll(/"((?:[^"]|"")*)"(,|\r\n)/g)];
  assert.equal(cells.map(([whole]) => whole).join(""), text);
  const lines: string[][] = [[]];
  for (const [, cell, end] of cells) {
    lines.at(-1)?.push((cell ?? "").replaceAll('""', '"'));
    if (end === "\r\n") lines.push([]);
  }
  return lines.slice(0, -1);
}

test("a table begins with the mark of UTF-8 and reads back as it was", async () => {
  const text = csv(await rows([entry({ quote: '그는 "김치,\n파오차이"라 했다.' })], cards));
  assert.equal(text[0], "\uFEFF");
  const [names, line] = parse(text.slice(1));
  const value = (name: string): string | undefined => line?.[names?.indexOf(name) ?? -1];
  assert.equal(value("sentence"), '그는 "김치,\n파오차이"라 했다.');
  assert.equal(value("time"), "2026-11-24T12:00:00.000Z");
  assert.equal(value("evidence"), card.correction);
  assert.equal(value("sources"), "백과 (연구원, 2020) https://example.kr/a");
  assert.equal(value("rule"), "kimchi-origin-china/origin");
});

test("nothing in a table is a formula", async () => {
  for (const quote of ["=1+1", "+82 10", "-1", "@SUM(A1)", "\t=1", " =1", "＝1+1", "\r=1"]) {
    const [, line] = parse(csv(await rows([entry({ quote, question: quote })], cards)).slice(1));
    assert.ok(line?.includes(`'${quote}`) && !line.includes(quote), JSON.stringify(quote));
  }
});

test("of a rule that is gone the finding remains", async () => {
  const [row] = await rows([entry({ rule: "gone" })], cards);
  assert.deepEqual([row?.quote, row?.claim, row?.sources], ["김치의 원산지는 중국이다.", "", []]);
});

test("JSON names its format and leaves out what is internal", async () => {
  const out = JSON.parse(json(await rows([entry({})], cards))) as { format: string; version: number; findings: Record<string, unknown>[] };
  assert.deepEqual([out.format, out.version, out.findings.length], ["haechi-findings", 1, 1]);
  assert.ok(!("id" in (out.findings[0] ?? {})));
  assert.deepEqual(out.findings[0]?.["positions"], [], "what is false has no sides");
});

test("a filter narrows by verdict, topic, site and age; empty fields let all through", () => {
  const all = [
    entry({ id: "a" }),
    entry({ id: "b", verdict: "one-sided" }),
    entry({ id: "c", rule: "dokdo" }),
    entry({ id: "d", host: "chat.deepseek.com" }),
    entry({ id: "e", time: NOW - 8 * DAY }),
  ];
  const ids = (change: Partial<typeof EVERYTHING>): string => filtered(all, { ...EVERYTHING, ...change }, NOW, title).map(({ id }) => id).join("");
  assert.equal(ids({}), "abcde");
  assert.equal(ids({ verdict: "one-sided" }), "b");
  assert.equal(ids({ rule: "dokdo" }), "c");
  assert.equal(ids({ host: "chat.deepseek.com" }), "d");
  assert.equal(ids({ days: 7 }), "abcd");
  assert.equal(ids({ days: 7, verdict: "one-sided", host: "chatgpt.com" }), "b");
});

test("a search wants every word, in sentence, question, site or topic, whatever the case and composition", () => {
  const all = [entry({ id: "a", quote: "Kimchi is from ＣＨＩＮＡ." }), entry({ id: "b", quote: "다른 문장", question: "독도는?", rule: "dokdo" })];
  const ids = (text: string): string => filtered(all, { ...EVERYTHING, text }, NOW, title).map(({ id }) => id).join("");
  assert.equal(ids("china KIMCHI"), "a");
  assert.equal(ids("china dokdo"), "");
  assert.equal(ids("독도"), "b");
  assert.equal(ids("독도".normalize("NFD")), "b");
  assert.equal(ids("기원"), "a");
  assert.equal(ids("  "), "ab");
});
