// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { bodyOf, DeskError, deskOf, remove, send } from "../src/report/desk";
import { complaint, draftOf, languageOf, reportOf, unmask, type Draft } from "../src/report/draft";
import { CONTEXT, excerpt, isSeed, type Seed } from "../src/report/seed";
import { visible } from "../src/report/visible";

const seed = (change: Partial<Seed> = {}): Seed => ({
  before: "안녕하세요, 민수님! ",
  sentence: "김치는 중국의 음식입니다.",
  after: " 문의는 010-1234-5678로 주세요.",
  question: "제 이름은 김민수입니다. 김치는 어디서 왔나요?",
  site: "chatgpt",
  rule: "kimchi-origin-china",
  proposition: "origin",
  verdict: "distortion",
  score: 0.97,
  sequence: 3,
  pack: "a".repeat(64),
  classifier: "haechi-stance-1",
  ...change,
});
const draft = (change: Partial<Seed> = {}): Draft => draftOf(seed(change), "id", 1, false);

test("a draft is masked, and says what was masked", () => {
  const { texts, masked } = draft();
  assert.equal(texts.before, "안녕하세요, [name]님! ");
  assert.equal(texts.after, " 문의는 [phone]로 주세요.");
  assert.equal(texts.question, "제 이름은 [name]입니다. 김치는 어디서 왔나요?");
  assert.deepEqual(masked, {
    before: [{ kind: "name", text: "민수" }],
    sentence: [],
    after: [{ kind: "phone", text: "010-1234-5678" }],
    question: [{ kind: "name", text: "김민수" }],
  });
});

test("a report is what the draft shows and nothing more", () => {
  assert.deepEqual(reportOf(draft()), {
    excerpt: "안녕하세요, [name]님! 김치는 중국의 음식입니다. 문의는 [phone]로 주세요.",
    sentence: "김치는 중국의 음식입니다.",
    question: "제 이름은 [name]입니다. 김치는 어디서 왔나요?",
    site: "chatgpt",
    language: "ko",
    rule: "kimchi-origin-china",
    proposition: "origin",
    verdict: "distortion",
    score: 0.97,
    sequence: 3,
    pack: "a".repeat(64),
    classifier: "haechi-stance-1",
  });
  const bare = { ...draft(), without: ["rule", "verdict", "edition", "classifier"] as Draft["without"] };
  assert.deepEqual(Object.keys(reportOf(bare)), ["excerpt", "sentence", "question", "site", "language"]);
});

test("the sentence stands in the excerpt however a person edits", () => {
  const edited = draft();
  edited.texts = { before: "  앞.", sentence: " 고친 문장.\r\n", after: "\u202e뒤 ", question: "" };
  const report = reportOf(edited);
  assert.ok(report.excerpt.includes(report.sentence));
  assert.equal(report.question, undefined);
  assert.equal(report.excerpt, "앞. 고친 문장.\n뒤");
});

test("what nobody sees is neither shown nor sent", () => {
  const tags = [..."id=42"].map((letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join("");
  const { texts, hidden } = draft({ sentence: `김\u200b치는\u2066 중국\u202e의\u00ad 음식${tags}입니다.\u0000` });
  assert.equal(texts.sentence, "김치는 중국의 음식입니다.");
  assert.equal(hidden, 10);
  assert.deepEqual(visible("가\n나\t다\r\n라"), { text: "가\n나\t다\n라", hidden: 0 });
  assert.deepEqual(visible("한국어 English 日本語 中文 👍 é"), { text: "한국어 English 日本語 中文 👍 é", hidden: 0 });
});

test("a masked piece goes back to its own place, and nowhere once that is edited away", () => {
  const text = "[phone] 그리고 [phone], [email]";
  assert.equal(unmask(text, { kind: "phone", text: "둘" }, 1), "[phone] 그리고 둘, [email]");
  assert.equal(unmask(text, { kind: "email", text: "$&" }, 0), "[phone] 그리고 [phone], $&");
  assert.equal(unmask(text, { kind: "phone", text: "셋" }, 2), undefined);
});

test("an excerpt begins and ends where sentences do", () => {
  const filler = "이 문장에는 아무 문제도 없습니다. ".repeat(60);
  const sentence = "독도는 일본의 섬이다.";
  const text = `${filler}${sentence} ${filler}`;
  const { before, sentence: same, after } = excerpt(text, { start: filler.length, end: filler.length + sentence.length });
  assert.equal(same, sentence);
  assert.ok(before.startsWith("이 문장에는") && before.length <= CONTEXT && before.length > CONTEXT / 2);
  assert.ok(after.endsWith("없습니다.") && after.length <= CONTEXT);
  assert.ok(text.includes(before + same + after));
  assert.deepEqual(excerpt(sentence, { start: 0, end: sentence.length }), { before: "", sentence, after: "" });
  const run = "가".repeat(1_000);
  assert.deepEqual(excerpt(run + sentence + run, { start: 1_000, end: 1_000 + sentence.length }), { before: "", sentence, after: "" });
});

test("what a content script sends is checked", () => {
  assert.equal(isSeed(seed()), true);
  const bad: unknown[] = [
    null, "x", {}, { ...seed(), before: "가".repeat(CONTEXT + 1) }, { ...seed(), sentence: "" }, { ...seed(), sentence: 1 }, { ...seed(), score: 2 },
    { ...seed(), score: NaN }, { ...seed(), verdict: "true" }, { ...seed(), sequence: -1 }, { ...seed(), question: undefined }, { ...seed(), pack: "a".repeat(101) },
  ];
  for (const one of bad) assert.equal(isSeed(one), false, JSON.stringify(one));
});

test("what the desk would refuse is known before", () => {
  const report = reportOf(draft());
  assert.equal(complaint(report), undefined);
  assert.equal(complaint({ ...report, sentence: "1592 …" }), "sentence");
  assert.equal(complaint({ ...report, sentence: "가".repeat(1_001) }), "sentenceLong");
  assert.equal(complaint({ ...report, sentence: "😀가".repeat(500) }), undefined, "characters are counted, not units");
  assert.equal(complaint({ ...report, excerpt: "가".repeat(4_001) }), "excerptLong");
  assert.equal(complaint({ ...report, question: "가".repeat(1_001) }), "questionLong");
  assert.equal(complaint({ ...report, site: "../x" }), "site");
  assert.equal(complaint({ ...report, model: "가".repeat(101) }), "modelLong");
});

test("the language is told by the script", () => {
  for (const [text, lang] of [["김치는 泡菜에서", "ko"], ["竹島は日本の領土です", "ja"], ["泡菜起源于中国", "zh"], ["Kimchi", "en"]] as const) assert.equal(languageOf(text), lang);
});

const realFetch = globalThis.fetch;
let onLine = true;
Object.defineProperty(globalThis, "navigator", { value: { get onLine() { return onLine; } }, configurable: true });
afterEach(() => {
  globalThis.fetch = realFetch;
  onLine = true;
});

/** What the network answers next; the requests that were made. */
function network(answer: () => Response | Promise<Response>): { address: string; init: RequestInit }[] {
  const asked: { address: string; init: RequestInit }[] = [];
  globalThis.fetch = async (address, init = {}) => {
    asked.push({ address: String(address), init });
    return answer();
  };
  return asked;
}
const json = (status: number, value: unknown, headers: Record<string, string> = {}): Response => new Response(JSON.stringify(value), { status, headers });
const refused = (wanted: string, detail?: string) => (error: unknown): boolean =>
  error instanceof DeskError && error.refusal === wanted && (detail === undefined || error.detail === detail);

test("a report goes to the server's desk, without cookies, and brings a receipt", async () => {
  const desk = deskOf("wss://rules.example/v1/sync");
  assert.equal(desk, "https://rules.example/v1/reports");
  assert.equal(deskOf("https://mirror.example/haechi/"), "https://mirror.example/haechi/v1/reports");
  const asked = network(() => json(201, { receipt: "ABCD-EFGH-JKMN-PQRS-TUVW", expires: "2027-05-01T00:00:00Z" }));
  const body = bodyOf(reportOf(draft()));
  assert.deepEqual(await send(desk, body), { code: "ABCD-EFGH-JKMN-PQRS-TUVW", expires: Date.parse("2027-05-01T00:00:00Z") });
  assert.equal(asked.length, 1);
  const { address, init } = asked[0] ?? { address: "", init: {} };
  const { method, credentials, redirect, referrerPolicy, cache } = init;
  assert.deepEqual([address, method, credentials, redirect, referrerPolicy, cache, init.body], [desk, "POST", "omit", "error", "no-referrer", "no-store", body]);
});

test("each failure has its own name", async () => {
  const error = (code: string, field?: string, message = ""): unknown => ({ error: { code, field, message } });
  const cases: [() => Response | Promise<Response>, string, string?][] = [
    [() => Promise.reject(new TypeError("network")), "unreachable"],
    [() => json(429, error("limit"), { "retry-after": "60" }), "limit", "60"],
    [() => json(413, error("too-large")), "large"],
    [() => new Response("<html>413</html>", { status: 413 }), "large"],
    [() => json(422, error("invalid", "site", "give a site's id")), "invalid", "site give a site's id"],
    [() => json(507, error("full")), "full"],
    [() => json(500, error("internal")), "failed"],
    [() => new Response("bad gateway", { status: 502 }), "failed"],
    [() => new Response("not found", { status: 404 }), "noDesk"],
    [() => new Response("", { status: 405 }), "noDesk"],
    [() => new Response("<html>hello</html>", { status: 200 }), "noDesk"],
    [() => json(201, { receipt: "<b>", expires: "2027-05-01T00:00:00Z" }), "noDesk"],
    [() => json(201, { receipt: "ABCD-EFGH", expires: "never" }), "noDesk"],
  ];
  for (const [answer, wanted, detail] of cases) {
    network(answer);
    await assert.rejects(send("https://x.example/v1/reports", "{}"), refused(wanted, detail), wanted);
  }
});

test("without a connection it is said that there is none", async () => {
  onLine = false;
  network(() => Promise.reject(new TypeError("network")));
  await assert.rejects(send("https://x.example/v1/reports", "{}"), refused("offline"));
});

test("a receipt deletes at its own desk; one that is gone says so", async () => {
  const asked = network(() => new Response(null, { status: 204 }));
  await remove("https://x.example/v1/reports", "ABCD-EFGH");
  assert.equal(asked[0]?.address, "https://x.example/v1/reports/ABCD-EFGH");
  assert.equal(asked[0]?.init.method, "DELETE");
  network(() => json(404, { error: { code: "not-found" } }));
  await assert.rejects(remove("https://x.example/v1/reports", "ABCD-EFGH"), refused("gone"));
  network(() => new Response("not found", { status: 404 }));
  await assert.rejects(remove("https://x.example/v1/reports", "ABCD-EFGH"), refused("noDesk"));
});
