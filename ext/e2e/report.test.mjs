// SPDX-License-Identifier: Apache-2.0

/**
 * "Send for review" from end to end, in both browsers, against the real server
 * and its desk: flagged, card, review, edited, sent, in the queue, deleted by
 * receipt, gone. A recorder between browser and server has the very bytes.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { allMarks, Browser, inOverlay, markPlace, newProfile } from "./browser.mjs";
import { DIST, Server } from "./haechi.mjs";
import { openOwn, press, says, write } from "./opened.mjs";
import { Recorder } from "./recorder.mjs";
import { serveReplica } from "./static.mjs";
import { until } from "./until.mjs";

const run = promisify(execFile);
const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const RULE = "yi-sun-sin-misattribution";
const QUESTION = "제 이름은 김민수입니다. 신사임당의 남편은 누구인가요?";
const ANSWER = `민수님, 좋은 질문입니다. ${FALSE} 더 궁금하면 kim@school.example 또는 010-1234-5678로 물어보세요.`;
const CODE = /^[0-9A-Z]{4}(-[0-9A-Z]{4}){4}$/;

let browser, profile, replica, server, recorder, chat;

before(async () => {
  profile = await newProfile();
  replica = await serveReplica();
  server = await Server.start();
  recorder = await Recorder.start(server.url);
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
  await browser.setServer(recorder.sync);
  await (await browser.own()).evaluate(() => chrome.storage.local.set({ language: "ko" }));
  chat = await browser.open(`${replica.url}/chatgpt.html?speed=0`);
  await chat.waitForSelector("html[data-ready]");
  await chat.evaluate((entry) => window.replica.ask(entry), { question: QUESTION, answer: ANSWER, lang: "ko" });
});

beforeEach(() => (recorder.answer = () => undefined));

after(async () => {
  await browser?.close();
  await recorder?.close();
  await server?.remove();
  await replica?.close();
  await profile?.remove();
});

const posts = () => recorder.to("/v1/reports").filter(({ method }) => method === "POST");
const bodyOf = ({ chunks }) => Buffer.concat(chunks).toString();
const field = (page, id) => page.evaluate((name) => document.getElementById(name).value, id);
const shown = (page) => page.evaluate(() => document.getElementById("exact").textContent);
const pieces = (page, name) => page.evaluate((id) => [...document.querySelectorAll(`.text.${id} .pieces span`)].map(({ textContent }) => textContent), name);

/** From the mark to the page that shows what would be sent. */
async function review() {
  await until("the mark", async () => (await allMarks(chat)).includes(FALSE));
  await chat.bringToFront();
  const { x, y } = await markPlace(chat);
  await chat.mouse.click(x, y);
  await until("the card", () => inOverlay(chat, (root) => root.querySelector(".card:not([hidden]) .doings .report") !== null));
  await inOverlay(chat, (root) => root.querySelector(".doings .report").click());
  const page = await browser.opened("report.html");
  await until("the form", () => page.evaluate(() => !document.getElementById("form").hidden));
  return page;
}

/** Says yes in the dialog that asks. */
async function confirm(page, yes) {
  await until("it asks", () => page.evaluate((id) => document.getElementById(id).closest("dialog").open, yes));
  await press(page, `#${yes}`);
}

/** A reviewer's page at the desk, signed in by an invitation. */
async function reviewer() {
  const { stdout } = await run(join(DIST, "haechi"), ["review", "invite", "--role", "reviewer", "--data", server.data, "--url", server.url]);
  const page = await browser.open(stdout.trim());
  await page.type("#name", "앤");
  await page.type("#password", "두 사람이 서로 모르게 판정한다");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  return page;
}

test("what was flagged is edited, sent, stands in the queue as edited, and is deleted by its receipt", async () => {
  const page = await review();
  assert.equal(posts().length, 0, "nothing goes before the button");
  assert.equal(await field(page, "sentence"), FALSE);
  assert.equal(await field(page, "before"), "[name]님, 좋은 질문입니다. ");
  assert.equal(await field(page, "after"), " 더 궁금하면 [email] 또는 [phone]로 물어보세요.");
  assert.equal(await field(page, "question"), "제 이름은 [name]입니다. 신사임당의 남편은 누구인가요?");
  assert.deepEqual(await pieces(page, "after"), ["가린 것: 메일 주소 “kim@school.example”", "가린 것: 전화번호 “010-1234-5678”"]);

  // A person takes away what is nobody's business, and adds what helps.
  await write(page, "after", "");
  await write(page, "question", "신사임당의 남편은 누구인가요?");
  await write(page, "model", "GPT-5");
  await press(page, "#with-classifier");
  const promised = JSON.parse(await shown(page));
  assert.deepEqual(Object.keys(promised).sort(), ["excerpt", "language", "model", "pack", "proposition", "question", "rule", "score", "sentence", "site", "verdict"].sort());
  assert.equal(promised.excerpt, `[name]님, 좋은 질문입니다. ${FALSE}`);
  await press(page, "#send");
  const code = (await says(page, "code", CODE)).trim();

  assert.equal(posts().length, 1);
  assert.deepEqual(JSON.parse(bodyOf(posts()[0])), promised, "the bytes are what was shown");
  for (const secret of ["김민수", "민수", "kim@", "010-1234", "물어보세요"]) assert.ok(!bodyOf(posts()[0]).includes(secret), secret);

  const desk = await reviewer();
  await desk.goto(`${server.url}/review`);
  assert.deepEqual(await desk.$$eval(".cases .sentence", (all) => all.map(({ textContent }) => textContent)), [FALSE]);
  await Promise.all([desk.waitForNavigation(), desk.click(".cases .sentence")]);
  const text = async (selector) => desk.$eval(selector, (element) => element.textContent);
  assert.equal(await text("blockquote"), promised.excerpt);
  assert.equal(await text("blockquote mark"), FALSE);
  assert.equal(await text(".question"), "신사임당의 남편은 누구인가요?");
  assert.match(await text(".answer"), /GPT-5/);

  const options = await openOwn(browser, "options.html");
  await until("the receipt is listed", () => options.evaluate((wanted) => document.querySelector("#sent li")?.dataset.code === wanted, code));
  await press(options, "#sent li button:last-of-type");
  await confirm(options, "sent-sure-yes");
  await says(options, "sent-said", /지웠습니다/);
  assert.equal(await options.evaluate(() => document.querySelectorAll("#sent li").length), 0);
  await desk.goto(`${server.url}/review?state=new`);
  assert.deepEqual(await desk.$$eval(".cases .sentence", (all) => all.map(({ textContent }) => textContent)), []);
  assert.equal((await fetch(`${server.url}/v1/reports/${code}`)).status, 404);
  await desk.close();
  await options.close();
  await page.close();
});

test("what was masked can be put back, and what was typed in can be masked", async () => {
  const page = await review();
  await press(page, ".text.after .pieces li:nth-child(2) button");
  assert.equal(await field(page, "after"), " 더 궁금하면 [email] 또는 010-1234-5678로 물어보세요.");
  assert.ok(JSON.parse(await shown(page)).excerpt.includes("010-1234-5678"));
  await press(page, ".text.after .pieces li:nth-child(2) button");
  assert.equal(await field(page, "after"), " 더 궁금하면 [email] 또는 [phone]로 물어보세요.");
  await write(page, "question", "주민번호 900101-1234567");
  assert.deepEqual(await pieces(page, "question"), ["가리지 않은 것: 주민등록번호 “900101-1234567”"]);
  await press(page, ".text.question .pieces button");
  assert.equal(JSON.parse(await shown(page)).question, "주민번호 [resident-number]");
  await press(page, "#throw");
  await confirm(page, "sure-yes");
  await says(page, "over", /버렸습니다/);
  await page.close();
});

test("a draft outlives its tab and is thrown away only on request", async () => {
  const page = await review();
  await write(page, "question", "고친 질문");
  await until("it is written down", async () => {
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    return true;
  });
  await page.close();
  const options = await openOwn(browser, "options.html");
  const link = await until("the draft is listed", () => options.evaluate(() => document.querySelector("#drafts a")?.getAttribute("href")));
  const again = await openOwn(browser, link);
  await until("the form", () => again.evaluate(() => !document.getElementById("form").hidden));
  assert.equal(await field(again, "question"), "고친 질문");
  await again.close();
  await press(options, "#drafts button");
  await confirm(options, "sent-sure-yes");
  await says(options, "sent-said", /버렸습니다/);
  await until("the list is empty", () => options.evaluate(() => document.querySelectorAll("#drafts li").length === 0));
  await options.close();
});

test("a failure says what it is, loses nothing, and the same press sends later", async () => {
  const page = await review();
  const json = { "content-type": "application/json", "access-control-allow-origin": "*" };
  const failures = [
    [{ status: 429, headers: { ...json, "retry-after": "60" }, body: '{"error":{"code":"limit","message":"wait"}}' }, /너무 많이/],
    [{ status: 413, headers: json, body: '{"error":{"code":"too-large","message":"at most"}}' }, /너무 깁니다/],
    [{ status: 422, headers: json, body: '{"error":{"code":"invalid","field":"site","message":"<b>give a site</b>"}}' }, /site <b>give a site<\/b>/],
    [{ status: 507, headers: json, body: '{"error":{"code":"full","message":"no more"}}' }, /더 받지 못합니다/],
    [{ status: 500, headers: json, body: '{"error":{"code":"internal","message":"x"}}' }, /서버에서 잘못/],
    [{ status: 404, headers: { "access-control-allow-origin": "*" }, body: "not found" }, /검토를 받지 않습니다/],
    [{ status: 200, headers: { "access-control-allow-origin": "*" }, body: "<html>hello</html>" }, /검토를 받지 않습니다/],
  ];
  for (const [answer, wanted] of failures) {
    // The question beforehand is the browser's own: leave is given.
    recorder.answer = ({ method, url }) => {
      if (!url.endsWith("/v1/reports")) return undefined;
      return method === "OPTIONS" ? { status: 204, headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "content-type", "access-control-allow-methods": "POST, DELETE" } } : answer;
    };
    await press(page, "#send");
    await says(page, "said", wanted);
    assert.equal(await field(page, "sentence"), FALSE);
    assert.equal(await page.evaluate(() => document.querySelector("#said *")), null, "an answer is never HTML");
  }
  recorder.answer = () => undefined;
  const nobody = "ws://127.0.0.1:1/v1/sync";
  await browser.setServer(nobody);
  await until("the page says where it goes", () => page.evaluate(() => document.getElementById("to").textContent.includes("127.0.0.1:1/")));
  await press(page, "#send");
  await says(page, "said", /답하지 않거나/);
  await browser.setServer(recorder.sync);
  await until("the page says where it goes", () => page.evaluate((port) => document.getElementById("to").textContent.includes(`:${port}/`), recorder.port));

  await write(page, "sentence", "1592 …");
  const before = posts().length;
  await press(page, "#send");
  await says(page, "said", /글이 있어야/);
  assert.equal(posts().length, before, "what no desk would take is not sent");
  await write(page, "sentence", FALSE);
  await press(page, "#send");
  const code = (await says(page, "code", CODE)).trim();
  await press(page, "#delete");
  await confirm(page, "sure-yes");
  await says(page, "over", /지웠습니다/);
  assert.equal((await fetch(`${server.url}/v1/reports/${code}`)).status, 404);
  await page.close();
});

test("the panel sends too: from the page where the sentence stands, and from what is kept of it", async () => {
  const own = await browser.own();
  const tab = await own.evaluate(async (url) => (await chrome.tabs.query({})).find((one) => one.url === url).id, chat.url());
  for (const view of ["tab", "history"]) {
    const panel = await openOwn(browser, `panel.html?tab=${tab}`);
    await press(panel, `#view-${view}`);
    await until("the finding", () => panel.evaluate(() => document.querySelector("#list li [data-do=report]") !== null));
    await press(panel, "#list li [data-do=report]");
    const page = await browser.opened("report.html");
    await until("the form", () => page.evaluate(() => !document.getElementById("form").hidden));
    const report = JSON.parse(await shown(page));
    assert.equal(report.sentence, FALSE);
    assert.equal(report.rule, RULE);
    assert.equal(report.excerpt === FALSE, view === "history", "only the page knows what stands around it");
    assert.equal(report.site, view === "history" ? "other" : "chatgpt"); // the replica's host is no site's
    await press(page, "#throw");
    await confirm(page, "sure-yes");
    await says(page, "over", /버렸습니다/);
    await page.close();
    await panel.close();
  }
});

test("the page is accessible and fits a telephone, light and dark, before and after sending", { skip: Browser.revives && "axe and emulated themes are driven over Chromium's protocol" }, async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const page = await review();
  const look = async (name) => {
    for (const [width, scheme] of [[320, "light"], [900, "dark"]]) {
      await page.setViewport({ width, height: 800 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      if (process.env.HAECHI_SHOTS) await page.screenshot({ path: join(process.env.HAECHI_SHOTS, `report-${name}-${scheme}.png`), fullPage: true });
      await page.evaluate(axe);
      const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), rules);
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`), [], `${name} ${scheme}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${name} scrolls sideways`);
    }
  };
  await look("draft");
  // By keyboard alone: the button is reached and pressed.
  await page.focus("#site");
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.id)) !== "send"; i++) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "send");
  await page.keyboard.press("Enter");
  await says(page, "code", CODE);
  assert.equal(await page.evaluate(() => document.activeElement.id), "h-sent", "the focus is at what is said");
  await look("sent");
  await page.close();
  const options = await openOwn(browser, "options.html");
  await until("the receipt is listed", () => options.evaluate(() => document.querySelector("#sent li") !== null));
  await options.setViewport({ width: 320, height: 800 });
  if (process.env.HAECHI_SHOTS) await options.screenshot({ path: join(process.env.HAECHI_SHOTS, "report-options.png"), fullPage: true });
  await options.evaluate(axe);
  const { violations } = await options.evaluate((tags) => axe.run(document, { runOnly: tags }), rules);
  assert.deepEqual(violations.map(({ id }) => id), []);
  assert.equal(await options.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  await options.close();
});
