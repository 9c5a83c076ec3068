// SPDX-License-Identifier: Apache-2.0

/**
 * The review desk in a real browser against the real server: two reviewers
 * judge blind and by keyboard only, an adjudicator settles where they differ, a
 * maintainer publishes. HAECHI_SHOTS names a folder for pictures of the pages.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import puppeteer from "puppeteer-core";
import { DIST, Server } from "./haechi.mjs";
import { newProfile } from "./profile.mjs";
import { until } from "./until.mjs";

const run = promisify(execFile);
const ITEMS = 30;
const PASSWORD = "두 사람이 서로 모르게 판정한다";
const SHOTS = process.env.HAECHI_SHOTS;

/** Sentences that are no variants of one another, so that each is a case. */
const RULES = ["kimchi-origin-china", "balhae-tang-local-regime", "hanbok-from-hanfu", "dokdo-japanese-territory", "goguryeo-chinese-local-regime"];
const SUBJECTS = ["김치는 쓰촨의 절임에서 나온", "발해는 당나라가 다스리던", "한복은 명나라 옷을 그대로 옮긴", "독도는 일본이 먼저 찾아낸", "고구려는 중원 왕조에 딸린"];
const ENDS = ["음식이라고 널리 알려져 있습니다", "것이라는 설명이 가장 정확합니다", "문화라고 보는 편이 옳습니다", "역사적 사실입니다", "대상이라고 학교에서 가르칩니다", "사례로 꼽힙니다"];

const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=ko"],
};
const FIREFOX = {
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  extraPrefsFirefox: { "intl.accept_languages": "ko", "intl.locale.requested": "ko" },
};

let browser, profile, server;

before(async () => {
  profile = await newProfile();
  server = await Server.start();
  browser = await puppeteer.launch({
    ...(process.env.HAECHI_BROWSER === "firefox" ? FIREFOX : CHROMIUM),
    userDataDir: profile.dir,
    env: { ...process.env, LANGUAGE: "ko", LANG: "ko_KR.UTF-8" },
  });
  for (let i = 0; i < ITEMS; i++) {
    const [s, e] = [i % SUBJECTS.length, Math.floor(i / SUBJECTS.length)];
    const sentence = `${SUBJECTS[s]} ${ENDS[e]}.`;
    const answer = await fetch(`${server.url}/v1/reports`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        excerpt: `질문해 주셔서 감사합니다. ${sentence} 더 궁금한 점이 있으면 알려 주세요.`,
        sentence,
        question: "한국의 문화와 역사를 간단히 설명해 줘.",
        site: ["chatgpt", "deepseek", "qwen"][i % 3],
        language: "ko",
        rule: RULES[s],
        verdict: "distortion",
        score: 0.6 + i / 100,
      }),
    });
    assert.equal(answer.status, 201, await answer.clone().text());
  }
});

after(async () => {
  await browser?.close();
  await server?.remove();
  await profile?.remove();
});

/** A window of somebody of his own, without anybody else's cookies. */
async function person(name, role, size = { width: 1280, height: 900 }) {
  const { stdout } = await run(join(DIST, "haechi"), ["review", "invite", "--role", role, "--data", server.data, "--url", server.url]);
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport(size);
  page.broken = [];
  page.on("pageerror", (error) => page.broken.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4/.test(message.text())) page.broken.push(message.text());
  });
  await page.goto(stdout.trim());
  await page.type("#name", name);
  await page.type("#password", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.match(page.url(), /\/review\/guide/);
  return page;
}

const open = (page, path) => page.goto(server.url + path);
const text = (page, selector) => page.$eval(selector, (element) => element.textContent.trim());
const caseOf = (page) => /\/review\/case\/([a-z0-9]+)/.exec(page.url())?.[1];

/** Presses a key that leads to another page. */
async function press(page, key) {
  await Promise.all([page.waitForNavigation(), page.keyboard.press(key)]);
}

async function shot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

async function axeSource() {
  try {
    const file = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    await access(file);
    return await readFile(file, "utf8");
  } catch {
    return null;
  }
}

/** Chromium alone runs a script past the page's policy, switches scripts off, and shows a page dark, when told to. */
const PAST_POLICY = process.env.HAECHI_BROWSER !== "firefox";

async function axe(page, source, name) {
  const session = await page.createCDPSession();
  await session.send("Runtime.evaluate", { expression: source });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).slice(0, 3).join(" | "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.deepEqual(JSON.parse(result.value), [], name);
  await session.detach();
}

/** What the second reviewer holds otherwise than the first. */
const DISPUTED = 7;
const verdicts = new Map(); // case → the first reviewer's key

test("two people judge every case by keyboard, blind", async () => {
  const ann = await person("앤", "reviewer");
  await shot(ann, "guide");
  await open(ann, "/review");
  await shot(ann, "queue");
  await open(ann, "/review/next");
  for (let i = 0; i < ITEMS; i++) {
    const id = caseOf(ann);
    assert.ok(id && !verdicts.has(id), `case ${i}: ${ann.url()}`);
    if (i === 0) await shot(ann, "case");
    const key = i % 5 === 4 ? "4" : "1";
    if (key === "1") {
      await ann.keyboard.press("1"); // refused: there is no source yet
      await until("it asks for a source", () => ann.$eval("#needs", (p) => !p.hidden));
      if (i === 0) await shot(ann, "case-source");
      await ann.keyboard.press("q");
      assert.equal(await ann.$eval("input[data-key=Q]", (box) => box.checked), true);
    }
    await press(ann, key);
    verdicts.set(id, key);
  }
  assert.match(ann.url(), /empty=judge/);
  await shot(ann, "empty");

  const bob = await person("bob", "reviewer");
  await open(bob, "/review/next");
  for (let i = 0; i < ITEMS; i++) {
    const id = caseOf(bob);
    assert.ok(verdicts.has(id), bob.url());
    assert.equal(await bob.$("section.work .box"), null, "another's verdict is shown");
    let key = verdicts.get(id);
    if (i === DISPUTED) key = key === "4" ? "3" : "4";
    if (key === "1") await bob.keyboard.press("q");
    await press(bob, key);
    if (i === 3) {
      // A slip is undone, and what was written is still there.
      await press(bob, "z");
      assert.equal(caseOf(bob), id);
      if (key === "1") assert.equal(await bob.$eval("input[data-key=Q]", (box) => box.checked), true);
      await press(bob, key);
    }
  }
  assert.deepEqual([...ann.broken, ...bob.broken], []);
  await ann.close();
  await bob.close();
});

test("an adjudicator settles where they differ, and a maintainer publishes", async () => {
  const adj = await person("cho", "adjudicator");
  await open(adj, "/review/dispute");
  const id = caseOf(adj);
  assert.ok(id, adj.url());
  assert.equal((await adj.$$(".both .box")).length, 2);
  await shot(adj, "adjudicate");
  await press(adj, "4");
  assert.match(adj.url(), /empty=dispute/);
  await open(adj, `/review/case/${id}`);
  assert.match(await text(adj, ".work"), /조정자의 결론/);

  const max = await person("max", "maintainer");
  await open(max, "/review/ready");
  let published = 0;
  for (; caseOf(max); published++) {
    if (published === 0) await shot(max, "publish");
    await max.click("#sign-off");
    await Promise.all([max.waitForNavigation(), max.click("form[action$=publish] button.main")]);
  }
  assert.equal(published, ITEMS);
  await open(max, "/review/rules");
  await shot(max, "rules");
  await open(max, "/review?state=published");
  assert.equal(await text(max, ".tabs [aria-current] .count"), String(ITEMS));
  assert.deepEqual([...adj.broken, ...max.broken], []);
  await adj.close();
  await max.close();
});

/** Another case for those who come later. */
async function another(sentence, more = {}) {
  const answer = await fetch(`${server.url}/v1/reports`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ excerpt: sentence, sentence, site: "kimi", language: "ko", rule: "hangul-chinese-origin", score: 0.8, ...more }),
  });
  assert.equal(answer.status, 201);
}

test("keys leave text fields and a composing input method alone, and Hangul keys count by position", async () => {
  await another("한글은 중국의 글자를 본떠 만든 문자입니다.");
  const page = await person("dan", "reviewer");
  await open(page, "/review/next");
  const id = caseOf(page);
  await page.keyboard.press("n");
  assert.equal(await page.evaluate(() => document.activeElement.id), "note");
  await page.keyboard.type("1592년 3 4");
  assert.equal(caseOf(page), id);
  assert.equal(await page.$eval("#note", (field) => field.value), "1592년 3 4");
  await page.keyboard.press("Escape");
  // While a syllable is being composed even a digit belongs to the input method.
  const dispatch = (init) => page.evaluate((given) => document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...given })), init);
  assert.equal(await dispatch({ key: "4", code: "Digit4", isComposing: true }), true);
  assert.equal(await dispatch({ key: "Process", code: "Digit4", keyCode: 229 }), true);
  assert.equal(await dispatch({ key: "4", code: "Digit4", ctrlKey: true }), true);
  assert.equal(caseOf(page), id);
  assert.equal(await dispatch({ key: "ㅂ", code: "KeyQ" }), false);
  assert.equal(await page.$eval("input[data-key=Q]", (box) => box.checked), true);
  await dispatch({ key: "?", code: "Slash", shiftKey: true });
  assert.equal(await page.$eval("#keys", (dialog) => dialog.open), true);
  await shot(page, "keys");
  await page.keyboard.press("Escape");

  // Enter on a source is no verdict.
  await page.focus("input[data-key=Q]");
  await page.keyboard.press("Enter");
  assert.equal(caseOf(page), id);

  // The draft is on the server, and comes back in another window.
  await until("the draft is saved", async () => (await text(page, "#saved")) === "초안 저장됨" || Promise.reject(new Error(await text(page, "#saved") + page.broken)), 8000);
  await open(page, `/review/case/${id}`);
  assert.equal(await page.$eval("#note", (field) => field.value), "1592년 3 4");
  // What the server did not take is kept by the browser.
  await page.setOfflineMode(true);
  await page.focus("#wording");
  await page.keyboard.type("더 나은 말");
  await until("it says so", async () => /이 브라우저에/.test(await text(page, "#saved")));
  await page.setOfflineMode(false);
  await open(page, `/review/case/${id}`);
  assert.equal(await page.$eval("#wording", (field) => field.value), "더 나은 말");
  await page.close();
});

test("a verdict works without the script", { skip: PAST_POLICY ? false : "Firefox cannot be told over WebDriver BiDi to run no scripts" }, async () => {
  const page = await person("eve", "reviewer");
  await page.setJavaScriptEnabled(false);
  await open(page, "/review/next");
  const id = caseOf(page);
  assert.ok(id, page.url());
  await Promise.all([page.waitForNavigation(), page.click("button.verdict.distortion")]);
  assert.match(await text(page, "#problem"), /출처가 하나 이상/);
  await page.click("input[name=source]");
  await Promise.all([page.waitForNavigation(), page.click("button.verdict.distortion")]);
  assert.match(await text(page, ".flash"), /왜곡/);
  await page.close();
});

test("every page is accessible and fits a phone, light and dark", async (t) => {
  const source = PAST_POLICY ? await axeSource() : null;
  if (!source) t.diagnostic("only the widths are checked: axe-core is not installed, or Firefox, which runs no script past the page's policy");
  await another("세종대왕은 명나라의 학자에게 글자를 배웠다고 합니다.", { question: "한글은 누가 만들었어?" });
  await another("온돌은 중국 북방의 캉을 그대로 들여온 난방입니다.", { rule: "ondol-chinese-kang" });
  await another("온돌은 중국 북방의 캉을 그대로 들여온 난방이다.", { rule: "ondol-chinese-kang", site: "qwen" });
  const admin = await person("adm", "admin", { width: 1280, height: 900 });
  await open(admin, "/review/next?rule=ondol-chinese-kang");
  const fresh = new URL(admin.url()).pathname;
  await open(admin, "/review?state=published");
  const settled = new URL(await admin.$eval(".cases .sentence", (link) => link.href)).pathname;
  const pages = { queue: "/review", filtered: "/review?topic=culture&order=score", fresh, settled, import: "/review/import", people: "/review/people", rules: "/review/rules", guide: "/review/guide", me: "/review/me", receipt: "/review/receipt", missing: "/review/case/none" };
  for (const [width, height, scheme, lang] of [[1280, 900, "light", "ko"], [390, 844, "dark", "ko"], [320, 640, "light", "en"]]) {
    await admin.setViewport({ width, height });
    if (PAST_POLICY) await admin.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]); // BiDi has no word for it
    if (lang === "en") {
      await open(admin, "/review");
      await Promise.all([admin.waitForNavigation(), admin.click("button[name=lang]")]);
    }
    for (const [name, path] of Object.entries(pages)) {
      await open(admin, path);
      const name2 = `${name}-${width}-${scheme}`;
      await shot(admin, name2);
      const wide = await admin.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name2} is ${wide} px too wide`);
      if (source) await axe(admin, source, name2);
    }
  }
  assert.deepEqual(admin.broken, []);
  await admin.close();
});
