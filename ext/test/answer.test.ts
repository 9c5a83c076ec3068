// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { Answer, DONE_MS, SETTLED_MS, STALLED_MS } from "../src/content/answer";
import { Adapter } from "../src/content/sites/adapter";
import { siteOf, sitesInUse } from "../src/content/sites/sites";
import type { Checked, Finding } from "../src/engine/abi";

/** linkedom has no ranges; where a mark begins is all that is asked of one here. */
class FakeRange {
  startOffset = -1;
  setStart(_node: Node, offset: number): void {
    this.startOffset = offset;
  }
  setEnd(): void {}
}
Object.assign(globalThis, { Range: FakeRange });

const site = siteOf(new URL("https://chatgpt.com/"), sitesInUse([]));
assert.ok(site);
const chatgpt = new Adapter(site);

function page(text: string): { answer: Answer; say: (text: string) => void } {
  const { document } = parseHTML(
    `<!doctype html><html><body><div data-message-author-role="user">김치의 원산지는?</div><div data-message-author-role="assistant"><div class="markdown"><p>${text}</p></div></div></body></html>`,
  );
  const element = document.querySelector('[data-message-author-role="assistant"]') as unknown as Element;
  const paragraph = element.querySelector("p");
  assert.ok(paragraph);
  const answer = new Answer(chatgpt, element, 0);
  answer.question = "김치의 원산지는?";
  return { answer, say: (words) => ((paragraph.textContent = words), answer.touch(paragraph)) };
}

/** The engine's answer when it flags these words of a text. */
function flag(text: string, quote: string): Checked {
  const start = text.indexOf(quote);
  const finding: Finding = { quote, start, end: start + quote.length, rule: "r", proposition: "p", verdict: "distortion", tier: "A", score: 1 };
  return { findings: [finding], model: "", rules: "", sequence: 0, degraded: false };
}

const HALF = "김치는 중국에서 왔다";

test("half a sentence is not marked while the rest may turn it round", () => {
  const { answer, say } = page(HALF);
  answer.judge(answer.asked(""), flag(HALF, HALF));
  assert.equal(answer.marks(true).length, 0, "the engine flagged it, but more may come");
  say(`${HALF}는 주장은`);
  answer.read(100);
  assert.equal(answer.marks(true).length, 0, "more came, and is not judged yet");
  assert.equal(answer.marks(false).length, 0);
  say(HALF);
  answer.read(200);
  assert.equal(answer.marks(false).length, 1, "that was all");
});

test("whole sentences keep their marks while the answer grows, and after words before them change", () => {
  const text = `${HALF}. 그리고`;
  const { answer, say } = page(text);
  answer.judge(answer.asked(""), flag(text, `${HALF}.`));
  const [mark] = answer.marks(true);
  assert.equal(mark?.range.startOffset, 0);
  say(`참고로, ${text} 고추는`);
  answer.read(100);
  const [moved] = answer.marks(true);
  assert.equal(moved?.range.startOffset, 5);
  assert.equal(moved?.key, mark?.key);
});

test("an answer is judged again when its words, its question or the rules change, and not otherwise", () => {
  const { answer, say } = page(HALF);
  assert.equal(answer.needsJudging("a"), true);
  answer.judge(answer.asked("a"), flag(HALF, HALF));
  assert.equal(answer.needsJudging("a"), false);
  answer.read(100);
  assert.equal(answer.needsJudging("a"), false);
  assert.equal(answer.needsJudging("b"), true);
  answer.question = "김장은?";
  assert.equal(answer.needsJudging("a"), true);
  answer.question = "김치의 원산지는?";
  assert.equal(answer.needsJudging("a"), false);
  say("다른 말");
  answer.read(200);
  assert.equal(answer.needsJudging("a"), true);
});

test("while an answer is written only its whole sentences are judged, each when it ends", () => {
  const { answer, say } = page("첫 문장이다. 둘째 문");
  assert.equal(answer.writing(0, true), true);
  assert.equal(answer.asked("").text, "첫 문장이다.");
  answer.judge(answer.asked(""), flag("첫 문장이다.", "첫 문장이다."));
  say("첫 문장이다. 둘째 문장도");
  answer.read(100);
  assert.equal(answer.needsJudging(""), false, "no sentence more has ended");
  say("첫 문장이다. 둘째 문장도 끝났다.");
  answer.read(200);
  assert.equal(answer.asked("").text, "첫 문장이다. 둘째 문장도 끝났다.");
  say("첫 문장이다. 둘째 문장도 끝났다. 셋째는 끝이 없다");
  answer.read(300);
  assert.equal(answer.writing(300 + STALLED_MS, true), false);
  assert.equal(answer.asked("").text, "첫 문장이다. 둘째 문장도 끝났다. 셋째는 끝이 없다", "that was all");
});

test("a mark stays the same object while its words do", () => {
  const text = `${HALF}. 그리고`;
  const { answer, say } = page(text);
  answer.judge(answer.asked(""), flag(text, `${HALF}.`));
  const marks = answer.marks(true);
  say(`${text} 고추는`);
  answer.read(100);
  answer.judge(answer.asked(""), flag(`${text} 고추는`, `${HALF}.`));
  assert.equal(answer.marks(true), marks);
  assert.equal(answer.marks(true)[0], marks[0]);
});

test("a block that nobody touched is not read again until the answer is finished", () => {
  const { answer } = page(`${HALF}.`);
  const paragraph = answer.element.querySelector("p");
  assert.ok(paragraph);
  paragraph.textContent = "남모르게 바뀌었다.";
  answer.read(100);
  assert.equal(answer.reading.text, `${HALF}.`);
  assert.equal(answer.writing(200, true), true);
  assert.equal(answer.writing(200 + STALLED_MS, true), false);
  assert.equal(answer.dirty, true);
  answer.read(300 + STALLED_MS);
  assert.equal(answer.reading.text, "남모르게 바뀌었다.");
});

test("an emptied answer loses its marks", () => {
  const { answer, say } = page(`${HALF}.`);
  answer.judge(answer.asked(""), flag(`${HALF}.`, `${HALF}.`));
  say("");
  answer.read(100);
  assert.equal(answer.marks(false).length, 0);
  assert.equal(answer.needsJudging(""), true);
  answer.empty();
  assert.equal(answer.needsJudging(""), false);
});

test("an answer is finished when it has been still, longer while the site says that it writes", () => {
  const { answer } = page(HALF);
  assert.equal(answer.writing(SETTLED_MS - 1, false), true);
  assert.equal(answer.writing(SETTLED_MS, false), false);
  assert.equal(answer.writing(SETTLED_MS, true), true);
  assert.equal(answer.writing(STALLED_MS, true), false);
});

test("an answer that the site shows as finished need not be waited for", () => {
  const { answer } = page(HALF);
  const button = answer.element.ownerDocument.createElement("button");
  button.setAttribute("data-testid", "copy-turn-action-button");
  answer.element.append(button);
  assert.equal(answer.writing(DONE_MS - 1, false), true);
  assert.equal(answer.writing(DONE_MS, false), false);
  assert.equal(answer.writing(DONE_MS, true), true, "the page says that it still writes");
});
