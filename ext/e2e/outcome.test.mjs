// SPDX-License-Identifier: Apache-2.0

/**
 * What comes out of the review desk, in a real Chromium against the real server:
 * two reviewers and an adjudicator judge by keyboard only, a maintainer
 * publishes, and everything is exported, printed, read in public and withdrawn.
 */

import assert from "node:assert/strict";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { caseOf, Desk, press, RULES, run, sample, shot, SITES, tabTo, text } from "./desk.mjs";
import { until } from "./until.mjs";

const ITEMS = 30;
const DISPUTED = 7; // the second reviewer holds another verdict here

const MAIL = "pupil@school.example";

let desk;
const people = {};

before(async () => {
  desk = await Desk.start();
  for (let i = 0; i < ITEMS; i++) {
    const asked = i === 0 ? { question: `=HYPERLINK("http://evil.example") ${MAIL} 숙제입니다. 김치는 어디에서 왔나요?` } : {};
    await desk.report({ ...sample(i), ...asked });
  }
});

after(() => desk?.close());

/** Judges everything that waits, with the keys that choose gives for each case. */
async function judgeAll(page, choose) {
  await desk.open(page, "/review/next");
  const keys = new Map();
  for (let i = 0; i < ITEMS; i++) {
    const id = caseOf(page);
    assert.ok(id && !keys.has(id), `case ${i}: ${page.url()}`);
    const key = choose(id, i);
    if (key === "1" || key === "2") await page.keyboard.press("q"); // the rule's first source
    await press(page, key);
    keys.set(id, key);
  }
  assert.match(page.url(), /empty=judge/);
  return keys;
}

test("two reviewers and an adjudicator judge 30 items by keyboard only, and a maintainer publishes them", async () => {
  people.ann = await desk.person("앤", "reviewer");
  people.bob = await desk.person("bob", "reviewer");
  people.adj = await desk.person("조정", "adjudicator");
  people.max = await desk.person("max", "maintainer");
  const first = await judgeAll(people.ann, (_, i) => ["1", "1", "2", "1", "4", "3"][i % 6]);
  await judgeAll(people.bob, (id, i) => (i === DISPUTED ? (first.get(id) === "4" ? "3" : "4") : first.get(id)));

  await desk.open(people.adj, "/review/dispute");
  assert.equal((await people.adj.$$(".both .box")).length, 2);
  await people.adj.keyboard.press("n");
  await people.adj.keyboard.type("사료를 보면 두 번째 판정이 맞습니다.");
  await people.adj.keyboard.press("Escape");
  await press(people.adj, "4");
  assert.match(people.adj.url(), /empty=dispute/);

  await desk.open(people.max, "/review/ready");
  let published = 0;
  for (; caseOf(people.max); published++) {
    await tabTo(people.max, "form[action$=publish] button.main");
    await press(people.max, "Enter");
  }
  assert.equal(published, ITEMS);
  for (const page of Object.values(people)) assert.deepEqual(page.broken, []);
});

test("agreement is a figure with words, and data to take along", async () => {
  const page = people.adj;
  await desk.open(page, "/review/agreement");
  await shot(page, "agreement");
  assert.match(await text(page, "main"), /30건을 2명이 판정했습니다. 판정이 같았던 비율은 97 %/);
  const figures = await page.$$eval(".figure .number", (numbers) => numbers.map((n) => Number(n.textContent)));
  assert.equal(figures.length, 2);
  for (const f of figures) assert.ok(f > 0.8 && f < 1, `${f}`);
  assert.match(await text(page, ".figures"), /믿을 만합니다/);
  assert.doesNotMatch(await text(page, "main"), /앤|bob/); // numbers, not names
  await tabTo(page, "#reviewers + p + .wide a");
  await press(page, "Enter");
  assert.match(await text(page, "#one"), /확정된 결론과 견준 판정/);
  const data = JSON.parse((await desk.download(page, "a[href^='/review/agreement.json']")).text);
  assert.equal(data.items, ITEMS);
  assert.equal(data.confusion.counts.flat().reduce((a, b) => a + b), ITEMS);
  assert.equal(data.pairs.length, 1);
  assert.ok(Math.abs(data.pairs[0].cohen.value - figures[0]) < 0.05);
});

test("every export is downloaded and holds what was settled", async () => {
  const page = await desk.person("열람", "viewer");
  people.viewer = page;
  await desk.open(page, "/review/export");
  await shot(page, "export");
  assert.match(await text(page, "#files"), /30건/);

  const csv = await desk.download(page, "a[href*='findings.csv']");
  assert.match(csv.name, /^haechi-findings-\d{4}-\d\d-\d\d\.csv$/);
  assert.ok(csv.text.startsWith("\ufeffid,verdict,"), csv.text.slice(0, 60));
  const lines = csv.text.trim().split("\r\n");
  assert.equal(lines.length, ITEMS + 1);
  assert.match(csv.text, /"'=HYPERLINK/); // no formula
  for (const secret of [MAIL, "앤", ",bob,"]) assert.ok(!csv.text.includes(secret), secret);
  assert.match(csv.text, /R001; R002/);

  const corpus = (await desk.download(page, "a[href*='corpus.jsonl']")).text.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(corpus.length, ITEMS);
  for (const { lang, label, expect, text: sentence, topic } of corpus) {
    assert.equal(lang, "ko");
    assert.equal(expect, label === "asserts" ? "flag" : "pass");
    assert.ok(RULES.includes(topic) && sentence.endsWith("."), sentence);
  }
  assert.ok(corpus.some(({ expect }) => expect === "pass") && corpus.some(({ expect }) => expect === "flag"));

  const reviews = JSON.parse((await desk.download(page, "a[href*='export/claimreview.json']")).text);
  assert.equal(reviews["@context"], "https://schema.org");
  assert.equal(reviews["@graph"].length, ITEMS);
  for (const one of reviews["@graph"]) {
    assert.equal(one["@type"], "ClaimReview");
    assert.ok(one.claimReviewed && one.datePublished && one.reviewRating.alternateName.length === 2 && one.author.name && one.itemReviewed.appearance.text);
  }
  // Each review's address is a page that anybody can read.
  const answer = await fetch(reviews["@graph"][0].url);
  assert.equal(answer.status, 200);
  assert.ok((await answer.text()).includes(reviews["@graph"][0].claimReviewed));

  // A filter narrows the file too, and an empty file keeps its head.
  await desk.open(page, "/review/export?topic=territory&verdict=distortion");
  const narrowed = (await desk.download(page, "a[href*='findings.csv']")).text.trim().split("\r\n");
  assert.ok(narrowed.length > 1 && narrowed.length < ITEMS && narrowed.slice(1).every((line) => line.includes("dokdo-japanese-territory")), narrowed.join("\n"));
  await desk.open(page, "/review/export?language=ja");
  assert.equal((await desk.download(page, "a[href*='findings.csv']")).text.trim().split("\r\n").length, 1);
});

/** Prints a page and reads the paper: its pages and its text. */
async function print(page, name) {
  const file = join(desk.downloads, `${name}.pdf`);
  await writeFile(file, await page.pdf({ preferCSSPageSize: true, printBackground: false }));
  if (process.env.HAECHI_SHOTS) {
    await mkdir(process.env.HAECHI_SHOTS, { recursive: true });
    await copyFile(file, join(process.env.HAECHI_SHOTS, `${name}.pdf`));
  }
  const info = (await run("pdfinfo", [file])).stdout;
  const words = (await run("pdftotext", ["-layout", file, "-"])).stdout.replace(/\s+/g, " ");
  return { pages: Number(/^Pages:\s+(\d+)/m.exec(info)?.[1]), size: /^Page size:\s+(.*)$/m.exec(info)?.[1], words };
}

test("the hand-out is chosen by keyboard and printed on A4 in Korean and English", async () => {
  const page = people.viewer;
  for (const [paper, task] of [["ko", false], ["en", false], ["ko", true]]) {
    await desk.open(page, "/review/export?topic=culture");
    await page.select("#paper", paper);
    if (task) {
      await tabTo(page, "#task");
      await page.keyboard.press("Space");
    }
    const chosen = [];
    await tabTo(page, ".cases li:nth-child(1) input[name=case]");
    for (const n of [1, 2, 3]) {
      await tabTo(page, `.cases li:nth-child(${n}) input[name=case]`);
      await page.keyboard.press("Space");
      chosen.push(await text(page, `.cases li:nth-child(${n}) .sentence`));
    }
    const opened = new Promise((resolve) => page.once("popup", resolve));
    await page.focus(".handout button.main");
    await page.keyboard.press("Enter");
    const sheet = await opened;
    await until("the hand-out", () => sheet.$("section"));
    const name = `handout-${paper}${task ? "-task" : ""}`;
    await shot(sheet, name);
    const { pages, size, words } = await print(sheet, name);
    assert.ok(pages >= 3 && pages <= 6, `${name}: ${pages} pages`);
    assert.match(size, /A4/);
    for (const sentence of chosen) assert.ok(words.replaceAll(" ", "").includes(sentence.replaceAll(" ", "")), `${name} lacks ${sentence}: ${words}`);
    const asked = { ko: /무엇이 잘못되었나요\?|검토 의견/, en: /What is wrong\?|What the reviewers found/ }[paper];
    if (task) {
      assert.doesNotMatch(words, asked);
      assert.match(words, /맞는지 자료를 찾아/);
    } else {
      assert.match(words, asked);
      assert.match(words, { ko: /근거 자료/, en: /Sources/ }[paper]);
      assert.match(words, { ko: /내 생각을 적어 봅시다/, en: /In my own words/ }[paper]);
    }
    assert.ok(!words.includes(MAIL), "personal data is masked on paper too");
    await desk.check(sheet, name);
    await sheet.close();
  }
});

test("anybody reads what is published, takes the data along, and sees that something was withdrawn", async () => {
  const page = await desk.window();
  await page.setJavaScriptEnabled(false);
  await desk.open(page, "/findings");
  await shot(page, "findings");
  assert.equal((await page.cookies()).length, 0);
  assert.match(await text(page, "main"), /공개된 문장 30개/);
  assert.equal((await page.$$(".chart svg text[x='0']")).length, SITES.length);
  const sums = await page.$$eval("table tbody td:last-child", (cells) => cells.map((c) => Number(c.textContent)));
  assert.equal(sums.reduce((a, b) => a + b), ITEMS);
  const numbers = (await desk.download(page, "a[href^='/findings/data.csv']")).text.trim().split("\r\n");
  assert.equal(numbers.slice(1).reduce((sum, line) => sum + Number(line.split(",").at(-1)), 0), ITEMS);
  assert.equal(JSON.parse((await desk.download(page, "a[href^='/findings/data.json']")).text).total, ITEMS);
  const sentences = (await desk.download(page, "a[href^='/findings/sentences.csv']")).text;
  assert.equal(sentences.trim().split("\r\n").length, ITEMS + 1);
  for (const secret of ["R001", "R002", MAIL, "사료를 보면"]) assert.ok(!sentences.includes(secret), secret);
  assert.equal(JSON.parse((await desk.download(page, "a[href^='/findings/claimreview.json']")).text)["@graph"].length, ITEMS);

  await desk.open(page, "/findings?by=topic&site=qwen&lang=en");
  await shot(page, "findings-topic-en");
  assert.match(await text(page, "main"), /Verdicts by topic/);

  await desk.open(page, "/findings");
  await page.focus(".cases li:nth-child(2) .sentence");
  await press(page, "Enter");
  const address = new URL(page.url()).pathname;
  const sentence = await text(page, "h1");
  await shot(page, "finding");
  assert.match(await text(page, "main"), /근거가 말하는 것/);

  const { max } = people;
  await desk.open(max, address.replace("/findings/", "/review/case/"));
  await max.$eval("details:has(form[action$=withdraw])", (details) => (details.open = true));
  await max.type("#reason", "출처를 다시 확인해야 함");
  await press(max, "Enter");
  const gone = await desk.open(page, address);
  assert.equal(gone.status(), 410);
  assert.match(await text(page, "main"), /철회되었습니다/);
  await shot(page, "withdrawn");
  await desk.open(page, "/findings");
  assert.ok(!(await page.content()).includes(sentence));
  assert.match(await text(page, "main"), /공개된 문장 29개/);
  people.gone = address;
  assert.deepEqual(page.broken, []);
  await page.close();
});

test("every page is accessible in both languages, on a telephone and a desktop, light and dark", async () => {
  await desk.report({ excerpt: "온돌은 중국 북방의 캉을 그대로 들여온 난방입니다.", sentence: "온돌은 중국 북방의 캉을 그대로 들여온 난방입니다.", site: "kimi", language: "ko", rule: "ondol-chinese-kang", score: 0.8 });
  const { viewer, ...rest } = people;
  const admin = await desk.person("운영", "admin");
  await desk.open(admin, "/review/next");
  const fresh = new URL(admin.url()).pathname;
  await desk.open(admin, "/review?state=published");
  const settled = new URL(await admin.$eval(".cases .sentence", (link) => link.href)).pathname;
  const pages = {
    queue: "/review", filtered: "/review?topic=culture&order=score", fresh, settled, import: "/review/import", people: "/review/people", rules: "/review/rules",
    guide: "/review/guide", me: "/review/me", receipt: "/review/receipt", missing: "/review/case/none",
    agreement: "/review/agreement?reviewer=R001", "agreement-topic": "/review/agreement?topic=culture", "agreement-none": "/review/agreement?language=ja", export: "/review/export", "export-none": "/review/export?language=ja",
    findings: "/findings", "findings-topic": "/findings?by=topic&verdict=distortion", "findings-language": "/findings?by=language&site=qwen", "findings-none": "/findings?language=ja",
    finding: settled.replace("/review/case/", "/findings/"), withdrawn: rest.gone, absent: "/findings/none",
  };
  for (const lang of ["ko", "en"]) {
    if (lang === "en") {
      await desk.open(admin, "/review");
      await tabTo(admin, "button[name=lang]");
      await press(admin, "Enter");
    }
    for (const [width, height] of [[1280, 900], [360, 740]]) {
      await admin.setViewport({ width, height });
      for (const scheme of ["light", "dark"]) {
        await admin.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        for (const [name, path] of Object.entries(pages)) {
          const where = path.startsWith("/findings") ? `${path}${path.includes("?") ? "&" : "?"}lang=${lang}` : path;
          await desk.open(admin, where);
          assert.equal(await admin.$eval("html", (html) => html.lang), lang, where);
          await shot(admin, `${name}-${lang}-${width}-${scheme}`);
          await desk.check(admin, `${name} in ${lang} at ${width} px, ${scheme}`);
        }
      }
    }
  }
  assert.deepEqual(admin.broken, []);
});
