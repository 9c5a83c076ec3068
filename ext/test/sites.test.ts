// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";
import { hasProse, Health, LOST_MS } from "../src/content/health";
import { readAnswer, readQuestion } from "../src/content/reader";
import { Adapter } from "../src/content/sites/adapter";
import { sameSite, siteOf, sitesInUse } from "../src/content/sites/sites";
import type { Site } from "../src/engine/abi";
import { list, read } from "./top";

const PAGES = "ext/test/sites";
/** In a page: what no adapter may read. */
const FORBIDDEN = "⛔";
const SITES = list("rules/sites", ".json").map((name) => JSON.parse(read("rules/sites", name)) as Site);

function pageOf({ id }: Site): Document {
  return parseHTML(`<!doctype html><html><body>${read(PAGES, `${id}.html`)}</body></html>`).document as unknown as Document;
}

function texts(adapter: Adapter, page: Document): string[] {
  return adapter.answers(page).map((answer) => readAnswer(adapter, answer).text);
}

function remove(page: Document, selectors: readonly string[] = []): void {
  for (const selector of selectors) for (const element of [...page.querySelectorAll(selector)]) element.remove();
}

for (const site of SITES) {
  test(`${site.id}: answers, questions and their state are read, and nothing else`, () => {
    const adapter = new Adapter(site);
    const page = pageOf(site);
    const turns = adapter.exchanges(page).map(([answer, asked]) => {
      const state = adapter.finished(answer) ? "finished" : "open";
      return `${`Q: ${asked ? readQuestion(adapter, asked) : ""}`.trimEnd()}\n[${state}]\n${readAnswer(adapter, answer).text}\n`;
    });
    const now = `[${adapter.writing(page) ? "writing" : "still"}]\n${turns.join("\n")}`;
    assert.equal(now, read(PAGES, `${site.id}.txt`));
    assert.ok(!now.includes(FORBIDDEN));
    assert.ok(read(PAGES, `${site.id}.html`).includes(FORBIDDEN), "the page shows what must not be read");
  });

  test(`${site.id}: the user's own turn is never an answer`, () => {
    const adapter = new Adapter(site);
    const page = pageOf(site);
    const exchanges = adapter.exchanges(page);
    assert.deepEqual(exchanges.map(([answer]) => answer), adapter.answers(page));
    const questions = exchanges.map(([, asked]) => (asked ? readQuestion(adapter, asked) : ""));
    assert.ok(questions.length > 0 && questions.every((question) => question !== ""));
    for (const text of texts(adapter, page)) for (const question of questions) assert.ok(!text.includes(question), question);
  });

  test(`${site.id}: what it leaves out is in the page, and would be read without the adapter's skip`, () => {
    const skipped = (site.skip ?? []).filter((selector) => selector !== ".katex-mathml");
    const page = pageOf(site);
    if (skipped.length === 0) return assert.equal(site.id, "wrtn");
    assert.ok(skipped.some((selector) => page.querySelector(selector)), "no skipped part in the page");
    const { skip: _, ...bare } = site;
    assert.ok(texts(new Adapter(bare), page).join().includes(FORBIDDEN), "skip changes nothing");
  });

  test(`${site.id}: it stops writing when the page stops saying so`, () => {
    const page = pageOf(site);
    const adapter = new Adapter(site);
    if (!site.busy) return assert.equal(adapter.writing(page), false);
    assert.equal(adapter.writing(page), true);
    remove(page, site.busy);
    assert.equal(adapter.writing(page), false);
    remove(page, site.done);
    assert.ok(adapter.answers(page).every((answer) => !adapter.finished(answer)));
  });

  test(`${site.id}: a page that it no longer fits is noticed`, () => {
    const page = pageOf(site);
    const prose = "새 화면의 긴 글이다. ".repeat(60);
    page.body.innerHTML = `<div class="x1"><p>${prose}</p></div>`;
    assert.deepEqual(texts(new Adapter(site), page), []);
    assert.equal(hasProse(page.body), true);
  });
}

test("every site has a page, and every page a site", () => {
  const ids = SITES.map(({ id }) => id);
  assert.deepEqual(list(PAGES, ".html").map((name) => name.replace(".html", "")).sort(), ids);
  assert.deepEqual(list(PAGES, ".txt").map((name) => name.replace(".txt", "")).sort(), ids);
});

const at = (address: string, sites = SITES): string | undefined => siteOf(new URL(address), sites)?.id;

test("only the known addresses are read", () => {
  assert.equal(at("https://chatgpt.com/c/1"), "chatgpt");
  assert.equal(at("https://chat.deepseek.com/"), "deepseek");
  assert.equal(at("https://m365.cloud.microsoft/chat?x=1"), "m365-copilot");
  assert.equal(at("https://www.google.com/search?q=a&udm=50"), "google-ai-mode");
  assert.equal(at("https://www.google.com/search?q=a"), undefined);
  assert.equal(at("https://www.google.com/maps?udm=50"), undefined);
  assert.equal(at("http://chatgpt.com/"), undefined);
  assert.equal(at("https://chatgpt.com.example.org/"), undefined);
  assert.equal(at("https://example.org/replica/chatgpt"), undefined);
  assert.equal(at("http://localhost/replica/chatgpt.html"), "chatgpt");
});

test("pushed sites take the place of the packaged ones; broken or absent ones do not", () => {
  const pushed: Site = { id: "new", name: "New", verified: "2030-01-01", matches: ["https://new.example/a*z"], answer: [".a"], body: [":scope"] };
  assert.deepEqual(sitesInUse([pushed]), [pushed]);
  assert.equal(sitesInUse(undefined).length, SITES.length);
  assert.equal(sitesInUse([]).length, SITES.length);
  assert.equal(sitesInUse([{ id: "x" }, { ...pushed, skip: [1] }]).length, SITES.length);
  assert.equal(at("https://new.example/abcz", [pushed]), "new");
  assert.equal(at("https://new.example/az", [pushed]), "new");
  assert.equal(at("https://new.example/abc", [pushed]), undefined);
});

test("the order of fields makes no other site, a selector does", () => {
  const [site] = SITES;
  assert.ok(site);
  const reversed = Object.fromEntries(Object.entries(site).reverse()) as unknown as Site;
  assert.equal(sameSite(site, reversed), true);
  assert.equal(sameSite(site, { ...reversed, answer: [...site.answer, ".x"] }), false);
  assert.equal(sameSite(site, undefined), false);
  assert.equal(sameSite(undefined, undefined), true);
});

test("an answer within an answer is one answer, and one within a question is none", () => {
  const site: Site = { id: "s", name: "S", verified: "2030-01-01", matches: [], answer: [".turn", ".text"], body: [":scope"], question: [".user"] };
  const { document } = parseHTML('<!doctype html><html><body><div class="turn"><p class="text">하나</p></div><div class="user"><p class="text">질문</p></div><p class="text">둘</p></body></html>');
  const adapter = new Adapter(site);
  assert.deepEqual(texts(adapter, document as unknown as Document), ["하나", "둘"]);
  const asked = adapter.exchanges(document as unknown as Document).map(([, question]) => question?.textContent);
  assert.deepEqual(asked, [undefined, "질문"]);
});

test("menus, titles, links and the input are no prose", () => {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const body = document.body as unknown as Element;
  const long = "이 사이트에서 읽을 수 있는 긴 글이 여기에 한 줄로 이어집니다. ".repeat(30);
  for (const html of [`<nav>${long}</nav>`, `<a href="#">${long}</a>`, `<div contenteditable="true">${long}</div>`, "<p>짧은 제목</p>".repeat(200), "<p>인사말 한 줄만 있는 첫 화면입니다.</p>"]) {
    body.innerHTML = html;
    assert.equal(hasProse(body), false, html.slice(0, 40));
  }
  body.innerHTML = `<div><p>${long}</p></div>`;
  assert.equal(hasProse(body), true);
});

test("a site is lost only after a while on one page, and found again at once", () => {
  const health = new Health();
  const page = (address: string, isRead: boolean, prose: boolean) => ({ address, read: isRead, prose: () => prose });
  assert.equal(health.lost(0, page("/a", false, true)), false);
  assert.equal(health.lost(LOST_MS - 1, page("/a", false, true)), false);
  assert.equal(health.lost(LOST_MS, page("/a", false, true)), true);
  assert.equal(health.lost(LOST_MS + 1, page("/b", false, true)), false, "another page");
  assert.equal(health.lost(3 * LOST_MS, page("/b", false, true)), true);
  assert.equal(health.lost(3 * LOST_MS + 1, page("/b", true, true)), false, "answers are read");
  assert.equal(health.lost(4 * LOST_MS, page("/b", false, false)), false, "nothing to read");
  assert.equal(health.lost(4 * LOST_MS + 1, page("/b", false, true)), false, "time starts again");
});
