// SPDX-License-Identifier: Apache-2.0

/** Sites as signed data, and the check of a selection, in a real browser. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, Browser, card, inOverlay, newProfile } from "./browser.mjs";
import { DIST, Server, TOP } from "./haechi.mjs";
import { serveReplica } from "./static.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const SITES = join(TOP, "rules", "sites");

let browser, profile, replica, server, scratch;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "haechi-e2e-"));
  profile = await newProfile();
  replica = await serveReplica();
  server = await Server.start();
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
  await browser.setServer(server.sync);
  await (await browser.own()).evaluate(() => chrome.storage.local.set({ language: "ko" })); // a browser without a Korean menu is English
});

after(async () => {
  await browser?.close();
  await server?.remove();
  await replica?.close();
  await profile?.remove();
  await rm(scratch, { recursive: true, force: true });
});

async function chat() {
  const page = await browser.open(`${replica.url}/chatgpt.html?speed=0`);
  await page.waitForSelector("html[data-ready]");
  return page;
}

const answer = (page, text) => page.evaluate((said) => window.replica.ask({ question: "알려 줘", lang: "ko", answer: said }), text);
const marked = (page, ...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = await allMarks(page);
    return now.length === wanted.length && wanted.every((words) => now.includes(words));
  });

test("the browser understands every selector of every site", async () => {
  const page = await chat();
  const names = (await readdir(SITES)).filter((name) => name.endsWith(".json"));
  assert.ok(names.length >= 14);
  for (const name of names) {
    const { body, answer: turns, question, skip, busy = [], done = [] } = JSON.parse(await readFile(join(SITES, name), "utf8"));
    const bad = await page.evaluate((selectors) => selectors.filter((selector) => {
      try {
        document.createDocumentFragment().querySelector(selector);
        return false;
      } catch {
        return true;
      }
    }), [...body, ...turns, ...question, ...skip, ...busy, ...done]);
    assert.deepEqual(bad, [], name);
  }
  await page.close();
});

test("a pushed site is used in open pages without a reload, there and back", async () => {
  await until("sync", async () => (await browser.status()).sync.phase === "current");
  const page = await chat();
  await answer(page, `첫 문장. ${FALSE}`);
  await marked(page, FALSE);
  const file = join(SITES, "chatgpt.json");
  const elsewhere = { ...JSON.parse(await readFile(file, "utf8")), answer: [".redesigned"] };
  const changed = join(scratch, "chatgpt.json");
  await writeFile(changed, JSON.stringify(elsewhere));
  await server.push(changed);
  await marked(page);
  assert.equal((await browser.findings(page)).answers, 0);
  await server.push(file);
  await marked(page, FALSE);
  await page.close();
});

test("a page whose answers are not found is noticed, and says so", { timeout: 90_000 }, async () => {
  const page = await chat();
  const file = join(SITES, "chatgpt.json");
  const changed = join(scratch, "chatgpt.json");
  await writeFile(changed, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), answer: [".redesigned"] }));
  await server.push(changed);
  await answer(page, "이 문단에는 아무 문제도 없고 다만 길이가 조금 깁니다. ".repeat(40));
  await page.bringToFront();
  for (let i = 0; i < 60 && !(await browser.findings(page)).lost; i++) await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal((await browser.findings(page)).lost, true);
  await until("the badge", async () => (await browser.badge(page)) === "?");
  await server.push(file);
  await until("found again", async () => (await browser.findings(page)).answers > 0);
  await until("no badge", async () => (await browser.badge(page)) === "");
  await page.close();
});

const checkSelection = (page) => browser.command(page, "selection");

const selectionMarks = (page) =>
  page.evaluate(() => ["haechi-selection-distortion", "haechi-selection-one-sided"].flatMap((name) => [...(CSS.highlights.get(name) ?? [])].map(String)));

function select(page, selector) {
  return page.evaluate((wanted) => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(wanted));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }, selector);
}

test("selected text is checked on any page, and only what is selected", async () => {
  const page = await browser.open(`${replica.url}/replica.css`);
  await page.evaluate((words) => {
    document.body.innerHTML = `<p id="a">독도는 한국의 섬이다. <b>${words}</b></p><p id="b">${words}</p><p id="c">제주도는 섬이다.</p>`;
  }, FALSE);
  await browser.own();
  await page.bringToFront();
  await select(page, "#a");
  await checkSelection(page);
  await until("the mark", async () => (await selectionMarks(page)).join() === FALSE);
  const list = await until("the list", () => inOverlay(page, (root) => (root.querySelector(".list").hidden ? "" : root.querySelector(".list").innerText)));
  assert.ok(list.includes(FALSE));
  await inOverlay(page, (root) => root.querySelector(".list li button").click());
  await until("the card", async () => (await card(page)).includes("이순신"));
  await select(page, "#c");
  await checkSelection(page);
  await until("nothing found", () => inOverlay(page, (root) => root.querySelector(".list .note")?.innerText).then((note) => note?.includes("찾지 못했습니다") || assert.fail(note)));
  assert.deepEqual(await selectionMarks(page), []);
  await page.close();
});
