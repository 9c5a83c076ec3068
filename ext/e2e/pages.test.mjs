// SPDX-License-Identifier: Apache-2.0

/** What a person sees beside the chat: options, panel, printable page, first run; and that all of it is accessible. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, Browser, card, inOverlay, markPlace, newProfile } from "./browser.mjs";
import { DIST } from "./haechi.mjs";
import { serveReplica } from "./static.mjs";
import { Surfaces } from "./surfaces.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const ONE_SIDED = "독도는 일본의 고유 영토이다.";
const SIZE = { width: 400, height: 800 };
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let browser, profile, replica, surfaces, downloads;

before(async () => {
  profile = await newProfile();
  downloads = await mkdtemp(join(tmpdir(), "haechi-downloads-"));
  replica = await serveReplica();
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
  surfaces = new Surfaces(browser, replica.url);
  await browser.downloadsTo(downloads);
});

after(async () => {
  await browser?.close();
  await replica?.close();
  await profile?.remove();
  await rm(downloads, { recursive: true, force: true });
});

const open = (name, lang = "ko", theme = "light") => surfaces.open(name, { lang, theme, size: SIZE });
const marked = (page, ...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = await allMarks(page);
    return now.length === wanted.length && wanted.every((words) => now.includes(words));
  });
const storage = async (key) => (await browser.own()).evaluate(async (name) => (await chrome.storage.local.get(name))[name], key);
const clickIn = (page, selector) => inOverlay(page, (root, wanted) => root.querySelector(wanted).click(), selector);
const items = (page) => page.$$eval("#list li .quote", (all) => all.map(({ textContent }) => textContent));

test("after installation a page opens and marks recorded answers with the real engine", async () => {
  const page = await browser.opened("welcome.html");
  await until("the marks are told", () => page.$eval("#state", ({ textContent }) => /[1-9]/.test(textContent)));
  const marks = await allMarks(page);
  assert.ok(marks.length >= 1);
  const { x, y } = await markPlace(page);
  await page.bringToFront();
  await page.mouse.move(x, y);
  await until("the card", async () => (await card(page)).length > 200);
  assert.equal((await page.$$(".turn .about a[href^=http]")).length, 3, "each answer with its source");
  await page.close();
  const kept = await storage("print");
  assert.equal(kept ?? null, null);
});

test("a changed option takes effect on the open page", async () => {
  const chat = await surfaces.chat();
  await marked(chat, FALSE, ONE_SIDED);
  const { page } = await open("options");
  await page.click("#tier-B");
  await marked(chat, FALSE);
  await page.click("#tier-B");
  await marked(chat, FALSE, ONE_SIDED);
  // Which sentence a sensitivity leaves out depends on the model: test/choice.test.ts has that.
  await page.click('#sites input[data-host="127.0.0.1"]');
  await marked(chat);
  await page.click('#sites input[data-host="127.0.0.1"]');
  await marked(chat, FALSE, ONE_SIDED);
  assert.deepEqual(page.errors ?? [], []);
  await page.close();
  await chat.close();
});

test("the options take only a safe server address", async () => {
  const { page } = await open("options");
  const save = async (text) => {
    await page.$eval("#server", (input, value) => (input.value = value), text);
    await page.click("#server-form .primary");
    return page.$eval("#server", (input) => input.getAttribute("aria-invalid"));
  };
  const before = await page.$eval("#server", ({ value }) => value);
  assert.equal(await save("ws://rules.example/v1/sync"), "true");
  assert.equal(await save("http://rules.example"), "true");
  assert.equal((await storage("server")) ?? before, before);
  assert.equal(await save("ws://127.0.0.1:9/v1/sync"), "false");
  await until("it is stored", async () => (await storage("server")) === "ws://127.0.0.1:9/v1/sync");
  await page.click("#server-reset");
  await until("the default is back", async () => (await storage("server")) === before);
  await page.close();
});

test("the language of the interface changes at once, in pages and on the card", async () => {
  const chat = await surfaces.chat();
  const { page } = await open("options", "ko");
  // Chosen by the page itself, a moment later: it is loaded anew then, and would take the question with it.
  await page.evaluate(() => {
    setTimeout(() => {
      const menu = document.querySelector("#language");
      menu.value = "en";
      menu.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
  await until("English", () => page.$eval("h1", ({ textContent }) => textContent === "Options"));
  await marked(chat, FALSE, ONE_SIDED);
  await until("an English button", () => inOverlay(chat, (root) => root.querySelector(".launcher").title.includes("findings")));
  await surfaces.choose({ language: "ko" });
  await page.close();
  await chat.close();
});

test("what is dismissed stays away after a reload, and comes back when that is undone", async () => {
  const chat = await surfaces.chat();
  await marked(chat, FALSE, ONE_SIDED);
  const dismiss = async () => {
    const { x, y } = await markPlace(chat);
    await chat.bringToFront();
    await chat.mouse.click(x, y);
    await until("the card", () => inOverlay(chat, (root) => root.querySelector(".card:not([hidden]) .doings button") !== null));
    await clickIn(chat, ".doings button");
    await marked(chat, ONE_SIDED);
  };
  await dismiss();
  await until("the undo button has the focus", () => inOverlay(chat, (root) => root.activeElement?.className === "undo"));
  await chat.keyboard.press("Enter");
  await marked(chat, FALSE, ONE_SIDED);
  await dismiss();
  await chat.reload();
  await chat.waitForSelector("html[data-ready]");
  await chat.evaluate((answer) => window.replica.ask({ question: "?", answer, lang: "ko" }), `${FALSE}\n\n${ONE_SIDED}`);
  await marked(chat, ONE_SIDED);
  const { page } = await open("options");
  assert.ok(!JSON.stringify(await storage("dismissed")).includes("신사임당"), "sentences do not lie in the settings");
  await page.click("#restore");
  await marked(chat, FALSE, ONE_SIDED);
  await page.close();
  await chat.close();
});

test("the panel lists the findings of its tab as they come, and leads to them", async () => {
  const { page } = await open("panel");
  const chat = surfaces.marked;
  assert.deepEqual(await items(page), [FALSE, ONE_SIDED]);
  await chat.evaluate(() => scrollTo(0, 0));
  await page.click("#list li .quote");
  await until("the sentence is lit up", async () => (await chat.evaluate(() => [...(CSS.highlights.get("haechi-pointed") ?? [])].map(String)))[0] === FALSE);
  await until("and goes out again", () => chat.evaluate(() => !CSS.highlights.has("haechi-pointed")));
  await chat.evaluate((answer) => window.replica.ask({ question: "?", answer, lang: "ko" }), `또 한 번. ${FALSE}`);
  await until("the new one is listed", async () => (await items(page)).length === 3);
  await page.close();
  await chat.close();
  surfaces.marked = undefined;
});

test("the history is searched and filtered, and tells when a sentence is not in the tab", async () => {
  const { page } = await open("history");
  await until("both", async () => (await items(page)).length === 2);
  await page.type("#text", "독도 일본");
  await until("one", async () => (await items(page)).join() === ONE_SIDED);
  await page.$eval("#text", (input) => ((input.value = ""), input.dispatchEvent(new Event("input", { bubbles: true }))));
  await page.click("summary");
  await page.select("#verdict", "distortion");
  await until("the other", async () => (await items(page)).join() === FALSE);
  await page.select("#verdict", "");
  await surfaces.marked.evaluate(() => window.replica.clear());
  await until("no marks", async () => (await allMarks(surfaces.marked)).length === 0);
  await page.click("#list li .quote");
  await until("it says so", () => page.$eval("#status", ({ textContent }) => textContent === "이 문장은 지금 탭에 없습니다."));
  await page.close();
  await surfaces.marked.close();
  surfaces.marked = undefined;
});

test("exports hold the findings with evidence and sources", async () => {
  const { page } = await open("history");
  await until("both", async () => (await items(page)).length === 2);
  const file = (end) => until(`a *${end}`, async () => {
    const name = (await readdir(downloads)).find((one) => one.endsWith(end));
    return name && readFile(join(downloads, name), "utf8");
  });
  await page.click("#csv");
  const table = await file(".csv");
  assert.ok(table.startsWith("\uFEFF\"time\","));
  assert.ok(table.includes(FALSE) && table.includes(ONE_SIDED) && table.includes("https://"));
  await page.click("#json");
  const { findings } = JSON.parse(await file(".json"));
  assert.deepEqual(findings.map(({ quote }) => quote).sort(), [ONE_SIDED, FALSE].sort());
  for (const one of findings) {
    assert.ok(one.claim && one.evidence && one.sources.length > 0 && one.rules && one.model, one.quote);
    assert.equal(one.question, "신사임당과 독도를 알려 줘");
  }
  await page.click("#print");
  const printed = await browser.opened("print.html");
  await until("both on paper", async () => (await printed.$$("article")).length === 2);
  const text = await printed.$eval("main", ({ innerText }) => innerText);
  for (const words of [FALSE, ONE_SIDED, "https://", "haechi-stance", "신사임당과 독도를 알려 줘"]) assert.ok(text.includes(words), words);
  assert.ok((await printed.pdf({ preferCSSPageSize: true })).length > 10_000);
  await printed.close();
  await page.close();
});

test("with records switched off nothing is kept", async () => {
  await surfaces.choose({ keepDays: 0 });
  const { page } = await open("options");
  await until("nothing is kept", () => page.$eval("#kept", ({ textContent }) => /\b0/.test(textContent)));
  const chat = await surfaces.chat();
  await marked(chat, FALSE, ONE_SIDED);
  await page.reload();
  await until("still nothing", () => page.$eval("#kept", ({ textContent }) => /\b0/.test(textContent)));
  await surfaces.choose({ keepDays: 30 });
  await page.close();
  await chat.close();
});

/** What axe finds wrong, in words. */
async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), RULES);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

for (const lang of ["ko", "en"]) {
  for (const theme of ["light", "dark"]) {
    test(`axe finds nothing wrong on any page: ${lang}, ${theme}`, async () => {
      await surfaces.marked?.close();
      surfaces.marked = undefined;
      for (const name of Surfaces.NAMES.filter((one) => one !== "card")) {
        const { page } = await open(name, lang, theme);
        if (name === "history") await page.click("summary");
        assert.deepEqual(await violations(page), [], name);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wide, 0, `${name} scrolls sideways`);
        await page.close();
      }
    });

    test(`axe finds nothing wrong with the card and the list: ${lang}, ${theme}`, async () => {
      const { page: chat } = await open("card", lang, theme);
      const open_ = await overlayHtml(chat);
      await chat.keyboard.press("Escape");
      await clickIn(chat, ".launcher");
      const list = await overlayHtml(chat);
      const page = await browser.blank();
      await page.setViewport(SIZE);
      for (const { html, css } of [open_, list]) {
        // axe cannot look into a closed shadow root: the same elements and styles in a page of their own.
        await page.setContent(`<!doctype html><html lang="${lang}"><title>card</title><style>${css.replaceAll(":host", "main")}</style><main>${html}</main>`);
        const wrong = await violations(page);
        assert.deepEqual(wrong.filter((one) => !/^(page-has-heading-one|landmark|region)/.test(one)), []);
      }
      await page.close();
      await chat.close();
    });
  }
}

function overlayHtml(page) {
  return inOverlay(page, (root) => ({
    html: root.innerHTML,
    css: [...root.adoptedStyleSheets].flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText)).join("\n"),
  }));
}
