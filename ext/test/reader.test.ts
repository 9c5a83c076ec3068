// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { locate, unfinished, wholeSentences } from "../src/content/anchor";
import { MAX_TEXT, type Piece } from "../src/content/piece";
import { readAnswer, readQuestion, Reading } from "../src/content/reader";
import { Adapter } from "../src/content/sites/adapter";
import { siteOf, sitesInUse } from "../src/content/sites/sites";
import type { Finding } from "../src/engine/abi";
import { list, read } from "./top";

const FIXTURES = "ext/test/fixtures";

function body(html: string): Element {
  return parseHTML(`<!doctype html><html><body>${html}</body></html>`).document.body as unknown as Element;
}

/** Every place a reading can name holds the very characters it stands for. */
function assertFaithful(reading: Reading): void {
  for (let at = 0; at < reading.text.length; at++) {
    const place = reading.place(at, at + 1);
    if (!place) continue; // a mark that the reading put in
    const { start, end } = place;
    if (start.node !== end.node) continue;
    const there = start.node.data.slice(start.offset, end.offset);
    assert.ok(there === reading.text[at] || (reading.text[at] === " " && /^\s$/.test(there)), `${at}: ${reading.text[at]} is ${there}`);
  }
}

for (const name of list(FIXTURES, ".html")) {
  test(`${name} is read as the engine wants it, and maps back`, () => {
    const site = siteOf(new URL(`http://localhost/replica/${name}`), sitesInUse([]));
    assert.ok(site);
    const adapter = new Adapter(site);
    const { document } = parseHTML(`<!doctype html><html><body>${read(FIXTURES, name)}</body></html>`);
    const texts = adapter.exchanges(document as unknown as Document).map(([answer, asked]) => {
      const reading = readAnswer(adapter, answer);
      assertFaithful(reading);
      return `Q: ${asked ? readQuestion(adapter, asked) : ""}\n${reading.text}${reading.text ? "\n" : ""}`;
    });
    assert.equal(texts.join("\n"), read(FIXTURES, name.replace(".html", ".txt")));
  });
}

test("the part of a document that is selected is read, and maps back", () => {
  const root = body("<p>첫째 문장. 둘째 문장.</p><p>셋째 <b>문장</b>.</p><p>넷째.</p>");
  const [first, second] = [...root.querySelectorAll("p")];
  const start = first?.firstChild as Text;
  const end = second?.querySelector("b")?.firstChild as Text;
  const order = [start, second?.firstChild, end];
  const within = {
    startContainer: start, startOffset: 7, endContainer: end, endOffset: 1,
    intersectsNode: (node: Node) => order.includes(node as Text),
  };
  const reading = new Reading([root], "", { within });
  assert.equal(reading.text, "둘째 문장.\n셋째 문");
  assertFaithful(reading);
  assert.equal(reading.place(0, 2)?.start.offset, 7);
});

test("white space of every kind is one space, and words split over nodes are one word", () => {
  const reading = new Reading([body("<p>김치<b>는</b> \n\t 중국에서&nbsp; 왔<i>다</i>.</p>  <p>끝</p>")], "");
  assert.equal(reading.text, "김치는 중국에서 왔다.\n끝");
  assertFaithful(reading);
});

test("a place reaches over nodes and leaves out marks at its ends", () => {
  const reading = new Reading([body("<table><tr><td>김치</td><td>중국</td></tr></table>")], "");
  assert.equal(reading.text, "| 김치 | 중국 |");
  const place = reading.place(0, reading.text.length);
  assert.deepEqual([place?.start.node.data, place?.start.offset, place?.end.node.data, place?.end.offset], ["김치", 0, "중국", 2]);
  assert.equal(reading.place(0, 2), undefined);
});

test("astral characters count as the two units they are", () => {
  const reading = new Reading([body("<p>🥬🌶️ 김치</p>")], "");
  const at = reading.text.indexOf("김치");
  assert.equal(reading.place(at, at + 2)?.start.offset, at);
});

const finding = (quote: string, start: number): Finding => ({
  quote, start, end: start + quote.length, rule: "r", proposition: "p", verdict: "distortion", tier: "A", score: 1,
});

test("a finding is found where its words are now", () => {
  assert.equal(locate(finding("나다", 3), "가가 나다"), 3);
  assert.equal(locate(finding("나다", 0), "가가 나다"), 3);
  assert.equal(locate(finding("나", 9), "나 가 나 가 가 가 나"), 12);
  assert.equal(locate(finding("나", 5), "나 가 나"), 4);
  assert.equal(locate(finding("다", 0), "가나"), -1);
  assert.equal(locate(finding("", 0), "가나"), -1);
});

test("half a sentence at the end is unfinished", () => {
  const half = "김치는 중국에서 왔다";
  assert.equal(unfinished(finding(half, 0), half), true);
  assert.equal(unfinished(finding(half, 0), `${half} \n`), true);
  assert.equal(unfinished(finding(`${half}.`, 0), `${half}.`), false);
  assert.equal(unfinished(finding(`“${half}.”`, 0), `“${half}.”`), false);
  assert.equal(unfinished(finding("キムチは中国のものだ。", 0), "キムチは中国のものだ。"), false);
  assert.equal(unfinished(finding(half, 0), `${half}\n다음 줄`), false);
});

test("what is still being said is no whole sentence", () => {
  assert.equal(wholeSentences("첫째다. 둘째"), "첫째다.");
  assert.equal(wholeSentences("첫째다. 둘째."), "첫째다. 둘째.");
  assert.equal(wholeSentences("첫째다. “둘째다.” 셋째"), "첫째다. “둘째다.”");
  assert.equal(wholeSentences("인구는 3.5"), "");
  assert.equal(wholeSentences("第一句。第二"), "第一句。");
  assert.equal(wholeSentences("# 제목\n- 항목"), "# 제목\n");
  assert.equal(wholeSentences("이름 없는 줄"), "");
  assert.equal(wholeSentences(""), "");
});

test("blocks that are known are not read again, and the whole is the same", () => {
  const root = body("<p>첫 문장.</p>사이 <b>말</b><div>상자 <p>안의 말</p> 끝</div><ul><li>하나<ul><li>속</li></ul></li><li>둘</li></ul><div><strong>굵다</strong></div>");
  const pieces = new WeakMap<Element, Piece>();
  const once = new Reading([root], "", { pieces });
  const again = new Reading([root], "", { pieces });
  assert.equal(once.text, "첫 문장.\n사이 말\n상자\n안의 말\n끝\n- 하나\n- 속\n- 둘\n**굵다**");
  assert.equal(again.text, once.text);
  assertFaithful(again);
  const [paragraph] = [...root.querySelectorAll("p")];
  assert.ok(paragraph);
  paragraph.textContent = "바뀐 문장.";
  assert.equal(new Reading([root], "", { pieces }).text, once.text);
  pieces.delete(paragraph);
  assert.ok(new Reading([root], "", { pieces }).text.startsWith("바뀐 문장.\n사이 말"));
});

test("a place reaches over blocks", () => {
  const reading = new Reading([body("<p>첫 문장.</p><p>둘째 문장.</p><table><tr><th>이름</th></tr></table><p>끝</p>")], "");
  assert.equal(reading.text, "첫 문장.\n둘째 문장.\n| 이름 |\n|---|\n끝");
  const place = reading.place(2, reading.text.length);
  assert.deepEqual([place?.start.node.data, place?.start.offset, place?.end.node.data, place?.end.offset], ["첫 문장.", 2, "끝", 1]);
  const row = reading.text.indexOf("|---|");
  assert.equal(reading.place(row, row + 5), undefined);
});

test("no more is read than the limit, of one node without a space or of many blocks", () => {
  for (const html of [`<p>${"가".repeat(3 * MAX_TEXT)}</p>`, "가".repeat(3 * MAX_TEXT), `<p>${"가 ".repeat(3 * MAX_TEXT)}</p>`, "<p>가나다라마바사아자차</p>".repeat(MAX_TEXT / 4)]) {
    const { text } = new Reading([body(html)], "");
    assert.ok(text.length >= MAX_TEXT / 2 && text.length <= MAX_TEXT + 20, String(text.length));
  }
});
