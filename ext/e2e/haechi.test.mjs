// SPDX-License-Identifier: Apache-2.0

/** The whole extension in a real browser, against the real engine and server. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, block, Browser, card, inOverlay, markPlace, marks, newProfile, spoil } from "./browser.mjs";
import { checkNatively, DIST, finding, Server, stranger, TOP } from "./haechi.mjs";
import { Rogue } from "./rogue.mjs";
import { serveReplica } from "./static.mjs";
import { until } from "./until.mjs";

const EXTENSION = join(DIST, Browser.built);
/** One sentence of each verdict; plain enough for any model and for the patterns alone. */
const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const ONE_SIDED = "독도는 일본의 고유 영토이다.";
const RULE = "yi-sun-sin-misattribution";
const RULE_FILE = join(TOP, "rules", "data", `${RULE}.json`);
const ANSWER = `## 두 가지 이야기

첫째 문단에는 아무 문제도 없습니다. ${FALSE} 율곡 이이는 신사임당의 아들입니다.

- ${ONE_SIDED}
- 제주도는 섬이다.`;

let browser, profile, replica, server, scratch;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "haechi-e2e-"));
  profile = await newProfile();
  replica = await serveReplica();
  server = await Server.start();
  browser = await Browser.launch(EXTENSION, profile.dir);
  await browser.setServer(server.sync);
});

after(async () => {
  await browser?.close();
  await server?.remove();
  await replica?.close();
  await profile?.remove();
  await rm(scratch, { recursive: true, force: true });
});

async function chat(site, query = "speed=0") {
  const page = await browser.open(`${replica.url}/${site}.html?${query}`);
  await page.waitForSelector("html[data-ready]");
  return page;
}

function ask(page, entry) {
  return page.evaluate((asked) => window.replica.ask({ question: "알려 줘", lang: "ko", ...asked }), entry);
}

/** Leaves the page only if its scripts met no error, whoever's. */
async function leave(page) {
  assert.deepEqual(page.errors, []);
  await page.close();
}

const marked = (page, ...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = await allMarks(page);
    return now.length === wanted.length && wanted.every((words) => now.includes(words));
  });
const phase = (...wanted) => until(`sync ${wanted}`, async () => wanted.includes((await browser.status()).sync.phase));
const atSequence = (sequence) => until(`rules ${sequence}`, async () => (await browser.status()).head.sequence === sequence);

for (const site of ["chatgpt", "deepseek"]) {
  test(`${site}: sentences are marked while an answer streams, each with its verdict`, async () => {
    const page = await chat(site, "speed=60");
    // More than could be said while this test runs: whatever is marked was marked in mid-stream.
    const told = ask(page, { answer: `${ANSWER}\n\n${"이 문단에는 아무 문제도 없습니다. ".repeat(5000)}` });
    await marked(page, FALSE, ONE_SIDED);
    await page.click("#stop");
    await told;
    assert.deepEqual(await marks(page), { distortion: [FALSE], oneSided: [ONE_SIDED] });
    assert.equal(await browser.badge(page), "2");
    await leave(page);
  });

  test(`${site}: an answer that is taken back loses its marks, what replaces it is read`, async () => {
    const page = await chat(site, "speed=60&replace=1");
    await page.evaluate((answer) => {
      const hold = new Promise((resolve) => (window.go = resolve));
      void window.replica.ask({ question: "?", answer, lang: "ko", hold });
    }, `${ANSWER}\n\n${"아직 더 할 말이 있습니다. ".repeat(30)}`);
    await marked(page, FALSE, ONE_SIDED);
    await page.evaluate(() => window.go());
    await marked(page);
    assert.equal((await browser.findings(page)).answers, 1);
    await until("no badge", async () => (await browser.badge(page)) === "");
    await leave(page);
  });

  test(`${site}: a deleted answer leaves nothing behind`, async () => {
    const page = await chat(site, "speed=0&delete=1");
    await page.evaluate((answer) => {
      const hold = new Promise((resolve) => (window.go = resolve));
      void window.replica.ask({ question: "?", answer, lang: "ko", hold });
    }, ANSWER);
    await marked(page, FALSE, ONE_SIDED);
    const { x, y } = await markPlace(page);
    await page.mouse.click(x, y);
    await until("the card", async () => (await card(page)).includes(RULE));
    await page.evaluate(() => window.go());
    await marked(page);
    await until("the card closed", async () => (await card(page)) === "");
    assert.equal((await browser.findings(page)).answers, 0);
    await leave(page);
  });
}

test("in the browser is found what the command finds, answer for answer", async () => {
  const page = await chat("chatgpt");
  const cases = await page.evaluate(() => window.replica.cases);
  for (const entry of cases) await ask(page, entry);
  const { findings } = await until("every answer judged", async () => {
    const now = await browser.findings(page);
    return now.answers === cases.length && now.pending === 0 && now;
  });
  const here = cases.map(({ id }, i) => ({ id, error: undefined, found: findings.filter(({ answer }) => answer === i).map(finding).sort() }));
  assert.deepEqual(here, await checkNatively(cases));
  assert.ok(findings.length > 0);
  await leave(page);
});

test("only the assistant's own words are read: not the question, thinking, code or citations", async () => {
  const page = await chat("deepseek");
  await ask(page, { question: FALSE, thinking: FALSE, answer: `짧은 답입니다.\n\n\`\`\`\n${FALSE}\n\`\`\`` });
  await ask(page, { answer: ONE_SIDED });
  await marked(page, ONE_SIDED);
  await leave(page);
});

test("the page's own elements are not touched", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  const before = await page.evaluate(() => document.body.outerHTML);
  await marked(page, FALSE, ONE_SIDED);
  assert.equal(await page.evaluate(() => document.body.outerHTML), before);
  assert.equal(await page.evaluate(() => document.documentElement.children.length), 3);
  assert.equal(await page.evaluate(() => document.documentElement.lastElementChild.shadowRoot), null);
  await leave(page);
});

test("resting on a sentence opens its card: what, why, where, by which rule", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  const { x, y } = await markPlace(page);
  await page.mouse.move(x, y);
  await until("the card", async () => (await card(page)).includes(RULE));
  assert.ok((await card(page)).includes(FALSE));
  const links = await inOverlay(page, (root) => [...root.querySelectorAll(".card a")].map((a) => [a.protocol, a.target, a.rel]));
  assert.ok(links.length >= 2);
  for (const [protocol, target, rel] of links) {
    assert.match(protocol, /^https?:$/);
    assert.deepEqual([target, rel], ["_blank", "noopener noreferrer"]);
  }
  await page.mouse.move(2, 2);
  await until("the card closed", async () => (await card(page)) === "");

  const oneSided = await markPlace(page, 1);
  await page.mouse.click(oneSided.x, oneSided.y);
  await until("the other card", async () => (await card(page)).includes("dokdo-japanese-territory"));
  assert.ok((await inOverlay(page, (root) => root.querySelectorAll(".card dt").length)) >= 2, "both positions are told");
  await page.mouse.move(2, 2);
  await page.keyboard.press("Escape");
  await until("the card closed", async () => (await card(page)) === "");
  await leave(page);
});

test("on a telephone the card is a sheet that leaves its sentence in sight", async () => {
  const page = await chat("chatgpt");
  await page.setViewport({ width: 390, height: 800, hasTouch: true, isMobile: true }); // loads the page anew
  await page.waitForSelector("html[data-ready]");
  await ask(page, { answer: `${"여러 문단으로 된 답입니다.\n\n".repeat(12)}${ANSWER}` });
  await marked(page, FALSE, ONE_SIDED);
  const { x, y } = await markPlace(page);
  await page.touchscreen.tap(x, y);
  await until("the card", async () => (await card(page)).includes(RULE));
  await until("the sheet beside the sentence", async () => {
    const sheet = await inOverlay(page, (root) => root.querySelector(".card").getBoundingClientRect().toJSON());
    const sentence = await page.evaluate(() => [...CSS.highlights.get("haechi-distortion")][0].getBoundingClientRect().toJSON());
    const inside = sheet.left >= 0 && sheet.right <= 390 && sheet.top >= 0 && sheet.bottom <= 800;
    return inside && (sentence.bottom <= sheet.top || sentence.top >= sheet.bottom);
  });
  await leave(page);
});

test("everything can be done with the keyboard, and the focus comes back", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  const focused = () => inOverlay(page, (root) => root.activeElement?.className || root.activeElement?.closest("li")?.parentElement.parentElement.className || "");
  await until("the button has the focus", async () => {
    await page.keyboard.press("Tab");
    return (await focused()).includes("launcher");
  });
  await page.keyboard.press("Enter");
  await until("the list has the focus", async () => (await focused()).includes("list"));
  await page.keyboard.press("Enter");
  await until("the card", async () => (await card(page)).includes(RULE));
  assert.ok((await focused()).includes("card"));
  await page.keyboard.press("Escape");
  assert.equal(await card(page), "");
  assert.ok((await focused()).includes("list"), "back to the list's item");
  await page.keyboard.press("Escape");
  assert.ok((await focused()).includes("launcher"), "back to the button");
  await leave(page);
});

test("a virtual list may take answers out and put them back", async () => {
  const page = await chat("deepseek");
  await ask(page, { answer: ANSWER });
  for (let i = 0; i < 8; i++) await ask(page, { answer: "특별할 것 없는 문단입니다.\n\n".repeat(12) });
  await until("the first answer is out of the page", async () => (await allMarks(page)).length === 0);
  await page.evaluate(() => (document.getElementById("scroller").scrollTop = 0));
  await marked(page, FALSE, ONE_SIDED);
  await leave(page);
});

test("switched off it marks nothing, switched on again it does", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  const own = await browser.own();
  await own.evaluate(() => chrome.storage.local.set({ on: false }));
  await marked(page);
  await own.evaluate(() => chrome.storage.local.set({ on: true }));
  await marked(page, FALSE, ONE_SIDED);
  await leave(page);
});

test("pushed rules work in open pages without a reload, there and back", async () => {
  await phase("current");
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  await server.push("--remove", RULE);
  await marked(page, ONE_SIDED);
  assert.equal((await browser.status()).head.sequence, 1);
  await server.push(RULE_FILE);
  await marked(page, FALSE, ONE_SIDED);
  assert.equal((await browser.status()).head.sequence, 2);
  await leave(page);
});

test("with its background ended it still judges, and still hears of rules", async () => {
  const page = await chat("chatgpt");
  await browser.killBackground();
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  await phase("current");
  await browser.killBackground();
  await server.push("--remove", RULE); // nobody is there to hear it
  await browser.setServer(server.sync); // any event wakes it
  await browser.status();
  await marked(page, ONE_SIDED);
  await server.push(RULE_FILE);
  await marked(page, FALSE, ONE_SIDED);
  await leave(page);
});

test("an engine that breaks is replaced", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ONE_SIDED });
  await marked(page, ONE_SIDED);
  await browser.breakEngine();
  const unheard = `${ANSWER}\n\n이 답은 처음 나온다.`; // else the answer would come from what is remembered
  await ask(page, { answer: unheard });
  await marked(page, ONE_SIDED, FALSE, ONE_SIDED);
  await leave(page);
});

test("rules that the maintainers did not sign are refused", async () => {
  const keys = await stranger(scratch);
  const rogue = await Server.start({ keys });
  try {
    for (let i = 0; i < 8; i++) await rogue.push(...(i % 2 ? [RULE_FILE] : ["--remove", RULE]));
    const { head } = await browser.status();
    await browser.setServer(rogue.sync);
    await until("refused as unsigned", async () => (await browser.status()).sync.reason === "unsigned");
    assert.deepEqual((await browser.status()).head, head);
  } finally {
    await rogue.remove();
  }
});

test("a server that speaks nonsense is left alone for longer and longer, and harms nothing", async () => {
  const nonsense = await Rogue.start("", { greet: (say) => say("<html>502</html>"), file: () => undefined });
  try {
    const { head } = await browser.status();
    await browser.setServer(nonsense.sync);
    await until("several tries", () => nonsense.calls >= 3);
    await until("nonsense is told", async () => (await browser.status()).sync.reason === "nonsense");
    assert.deepEqual((await browser.status()).head, head);
    const page = await chat("chatgpt");
    await ask(page, { answer: ANSWER });
    await marked(page, FALSE, ONE_SIDED);
    await leave(page);
  } finally {
    await nonsense.close();
  }
  await browser.setServer(server.sync);
  await phase("current");
});

test("without the server, and in a new browser, the last good rules stay", async () => {
  await server.push("--remove", RULE);
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, ONE_SIDED);
  const { head } = await browser.status();
  await server.stop();
  await phase("waiting", "connecting");
  await ask(page, { answer: `${ANSWER}\n\n${ONE_SIDED}` });
  await marked(page, ONE_SIDED, ONE_SIDED, ONE_SIDED);
  await leave(page);

  await browser.close();
  browser = await Browser.launch(EXTENSION, profile.dir);
  const again = await chat("chatgpt");
  await ask(again, { answer: ANSWER });
  await marked(again, ONE_SIDED);
  assert.deepEqual((await browser.status()).head, head);

  server = await Server.start({ data: server.data, port: server.port });
  await phase("current");
  await server.push(RULE_FILE);
  await marked(again, FALSE, ONE_SIDED);
  await atSequence(head.sequence + 1);
  await leave(again);
});

test("a background that the browser ended for its quiet wakes for an answer, finishes it, and hears of rules", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  await phase("current");
  await browser.quietBackground();
  await server.push("--remove", RULE); // nobody is there to hear it
  await ask(page, { answer: `${ONE_SIDED}\n\n이 답은 처음 나온다.` });
  await marked(page, ONE_SIDED, ONE_SIDED);
  await browser.usualQuiet();
  await server.push(RULE_FILE);
  await phase("current");
  await marked(page, FALSE, ONE_SIDED, ONE_SIDED);
  await leave(page);
});

/** What may become of a database, done to it from a page of the extension. */
const HARMS = {
  "a pack that is no pack": () =>
    new Promise((resolve, reject) => {
      const open = indexedDB.open("haechi", 1);
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const transaction = open.result.transaction("rules", "readwrite");
        transaction.objectStore("rules").put('{"rules":[', "pack");
        transaction.oncomplete = () => resolve(open.result.close());
      };
    }),
  "a database of a later version": () =>
    new Promise((resolve, reject) => {
      const open = indexedDB.open("haechi", 7);
      open.onerror = () => reject(open.error);
      open.onupgradeneeded = () => open.result.deleteObjectStore("rules");
      open.onsuccess = () => resolve(open.result.close());
    }),
};

for (const [harm, inflict] of Object.entries(HARMS)) {
  test(`${harm} gives way to the packaged rules, and the server's come again`, async () => {
    await phase("current");
    await server.push("--remove", RULE);
    const page = await chat("chatgpt");
    await ask(page, { answer: ANSWER });
    await marked(page, ONE_SIDED);
    const { head } = await browser.status();
    assert.ok(head.sequence > 0);
    await server.stop();
    await (await browser.own()).evaluate(inflict);
    await browser.breakEngine();
    await ask(page, { answer: `${ANSWER}\n\n이 답은 처음 나온다.` });
    await marked(page, FALSE, ONE_SIDED, FALSE, ONE_SIDED);
    assert.equal((await browser.status()).head.sequence, 0);
    server = await Server.start({ data: server.data, port: server.port });
    await atSequence(head.sequence);
    await marked(page, ONE_SIDED, ONE_SIDED);
    await server.push(RULE_FILE);
    await marked(page, FALSE, ONE_SIDED, FALSE, ONE_SIDED);
    await leave(page);
  });
}

test("with damaged files and no server it starts with the packaged rules, and is brought up to date later", async () => {
  await phase("current");
  await server.push("--remove", RULE);
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, ONE_SIDED);
  const { head } = await browser.status();
  await leave(page);
  await browser.close();
  await server.stop();
  assert.ok((await spoil(Browser.databases(profile.dir))) > 0);

  browser = await Browser.launch(EXTENSION, profile.dir);
  const again = await chat("chatgpt");
  await ask(again, { answer: ANSWER });
  await marked(again, FALSE, ONE_SIDED);
  assert.equal((await browser.status()).head.sequence, 0);
  server = await Server.start({ data: server.data, port: server.port });
  await atSequence(head.sequence);
  await marked(again, ONE_SIDED);
  await server.push(RULE_FILE);
  await marked(again, FALSE, ONE_SIDED);
  await leave(again);
});

test("settings of which nothing makes sense do not stop it, and can be set again", async () => {
  const own = await browser.own();
  const before = await own.evaluate(() => chrome.storage.local.get());
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  const keys = ["on", "channel", "rules", "sites", "language", "tiers", "sensitivity", "sitesOff", "keepDays", "dismissed"];
  for (const nonsense of [null, 7, "x", ["x"], { a: 1 }]) {
    await own.evaluate((names, value) => chrome.storage.local.set(Object.fromEntries(names.map((name) => [name, value]))), keys, nonsense);
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    await ask(page, { answer: ANSWER });
    await marked(page, FALSE, ONE_SIDED);
  }
  await own.evaluate((all) => chrome.storage.local.clear().then(() => chrome.storage.local.set(all)), before);
  await own.evaluate(() => chrome.storage.local.set({ on: false }));
  await marked(page);
  await own.evaluate(() => chrome.storage.local.set({ on: true }));
  await marked(page, FALSE, ONE_SIDED);
  await leave(page);
});

test("where no database can be opened at all it judges, takes new rules and uses them, and stores them when that works again", async () => {
  await phase("current");
  await server.push("--remove", RULE);
  await atSequence((await browser.status()).head.sequence);
  await browser.close();
  const free = await block(Browser.databases(profile.dir));
  try {
    browser = await Browser.launch(EXTENSION, profile.dir);
    const own = await browser.own();
    await assert.rejects(own.evaluate(() => new Promise((resolve, reject) => {
      const open = indexedDB.open("haechi", 1);
      open.onsuccess = () => (open.result.close(), resolve());
      open.onerror = () => reject(open.error);
    })), "the database could be opened: nothing is tested");
    const page = await chat("chatgpt");
    await ask(page, { answer: ANSWER });
    await marked(page, ONE_SIDED);
    await phase("current");
    const { head } = await browser.status();
    assert.ok(head.sequence > 0);
    await server.push(RULE_FILE);
    await marked(page, FALSE, ONE_SIDED);
    await atSequence(head.sequence + 1);
    await leave(page);
  } finally {
    await browser.close();
    await free();
    browser = await Browser.launch(EXTENSION, profile.dir);
  }
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  await phase("current");
  await leave(page);
});

test("when the extension is updated under a page, the old script stops quietly", async () => {
  const page = await chat("chatgpt");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  const overlays = () => page.evaluate(() => document.documentElement.children.length - 2);
  assert.equal(await overlays(), 1);
  await browser.update();
  if (Browser.revives) {
    await ask(page, { answer: ONE_SIDED });
    await marked(page, FALSE, ONE_SIDED, ONE_SIDED);
    assert.equal(await overlays(), 1, "the old script's overlay is gone");
  } else {
    await until("the old marks are gone", async () => {
      await ask(page, { answer: "또 다른 답입니다." });
      return (await allMarks(page)).length === 0;
    });
    assert.equal(await overlays(), 0);
  }
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await ask(page, { answer: ANSWER });
  await marked(page, FALSE, ONE_SIDED);
  await leave(page);
});
