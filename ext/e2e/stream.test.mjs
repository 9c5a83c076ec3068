// SPDX-License-Identifier: Apache-2.0

/**
 * What an answer may go through on every site, in a real browser: it is
 * written token by token, written anew, taken away, put elsewhere, moved and
 * asked something else. How fast all this is, `./build.sh bench stream` tells.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, Browser, newProfile } from "./browser.mjs";
import { DIST } from "./haechi.mjs";
import { serveStages, siteIds } from "./stages.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const ONE_SIDED = "독도는 일본의 고유 영토이다.";
/** Flagged only as the answer to a question about kimchi. */
const REPLY = "중국의 음식입니다.";
const OPEN_END = "신사임당의 남편은 이순신 장군이다";
const PLAIN = "이 문단에는 아무 문제도 없습니다.";

let browser, profile, stages;

before(async () => {
  profile = await newProfile();
  stages = await serveStages();
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
});

after(async () => {
  await browser?.close();
  await stages?.close();
  await profile?.remove();
});

let opened = 0;

async function stage(id) {
  const page = await browser.open(`${stages.url}/${id}.html?tab=${++opened}`);
  await page.waitForSelector("html[data-ready]");
  return page;
}

async function leave(page) {
  assert.deepEqual(page.errors, []);
  await page.close();
}

/** Each of the wanted is marked, once or by several rules, and nothing else is. */
const marked = (page, ...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = new Set(await allMarks(page));
    return (now.size === wanted.length && wanted.every((words) => now.has(words))) || assert.fail(JSON.stringify([...now]));
  });

const judged = (page) => until("all judged", async () => (await browser.findings(page)).pending === 0);

for (const id of await siteIds()) {
  test(`${id}: whole sentences are marked in mid-stream, the last one when it is all said, and only the assistant's own words`, async () => {
    const page = await stage(id);
    const places = await page.evaluate((words) => window.stage.forbid(words), FALSE);
    assert.ok(places >= 3, `${places} places that must not be read`);
    const code = `\n\n\`\`\`\n${FALSE}\n\`\`\`\n\n`;
    await page.evaluate((asked) => {
      const stop = new AbortController();
      window.stopped = stop;
      window.told = window.stage.tell({ ...asked, speed: 60, stop: stop.signal });
    }, { question: FALSE, answer: `${ONE_SIDED}${code}${`${PLAIN} `.repeat(5_000)}` });
    await marked(page, ONE_SIDED); // more could be said than this test takes: this is in mid-stream
    assert.ok((await browser.findings(page)).pending >= 1);
    await page.evaluate(() => (window.stopped.abort(), window.told));
    await page.evaluate((answer) => {
      window.open_ = window.stage.turn("?");
      window.stage.writing();
      window.open_.say(answer);
    }, `${PLAIN} ${OPEN_END}`);
    await until("the beginning is judged", async () => (await browser.findings(page)).answers >= 3);
    await page.evaluate(() => window.open_.done());
    await marked(page, ONE_SIDED, OPEN_END);
    await judged(page);
    await marked(page, ONE_SIDED, OPEN_END);
    await leave(page);
  });

  test(`${id}: answers that are written anew, moved, recycled, deleted and scrolled back, and a question that is edited`, async () => {
    const page = await stage(id);
    const act = (run, ...args) => page.evaluate(run, ...args);
    const turn = (name, question, answer) =>
      act((key, asked, said) => {
        window[key] = window.stage.turn(asked);
        window[key].say(said);
        window[key].done();
      }, name, question, answer);
    await turn("first", "알려 줘", `${PLAIN} ${FALSE}`);
    await turn("second", "김치는 어느 나라 음식인가요?", REPLY);
    await marked(page, FALSE, REPLY);

    await act(() => window.second.ask("판다는 어느 나라 동물인가요?"));
    await marked(page, FALSE);
    await act(() => window.second.ask("김치는 어느 나라 음식인가요?"));
    await marked(page, FALSE, REPLY);

    await act((text) => window.first.say(text), `${PLAIN} 다시 씁니다.`); // the same nodes with other words
    await marked(page, REPLY);
    await act((text) => window.first.say(text), `앞에 더한 말입니다. ${ONE_SIDED}`);
    await marked(page, ONE_SIDED, REPLY);

    await act(() => { // a virtual list uses the nodes of one answer for another
      const words = [...window.first.body.childNodes];
      window.first.body.replaceChildren(...window.second.body.childNodes);
      window.second.body.replaceChildren(...words);
    });
    await marked(page, ONE_SIDED);
    await act(() => {
      const words = [...window.first.body.childNodes];
      window.first.body.replaceChildren(...window.second.body.childNodes);
      window.second.body.replaceChildren(...words);
    });
    await marked(page, ONE_SIDED, REPLY);

    await act((text) => { // scrolled back: earlier turns come above
      const early = window.stage.turn("앞선 질문", window.first.parts[0]);
      early.say(text);
      early.done();
    }, FALSE);
    await marked(page, FALSE, ONE_SIDED, REPLY);
    const { findings } = await browser.findings(page);
    assert.equal(findings[0].quote, FALSE, "in reading order");

    await act(() => window.first.remove());
    await marked(page, FALSE, REPLY);
    await act(() => window.second.body.replaceChildren());
    await marked(page, FALSE);
    await act(() => window.stage.conversation.replaceChildren());
    await marked(page);
    assert.equal((await browser.findings(page)).answers, 0);
    await until("no badge", async () => (await browser.badge(page)) === "");
    await leave(page);
  });
}

test("a mark does not flicker while its paragraph is written on", async () => {
  const page = await stage("chatgpt");
  await page.evaluate((text) => {
    window.grown = window.stage.turn("?");
    window.stage.writing();
    window.grown.say(text);
  }, `${FALSE} ${PLAIN}`);
  await marked(page, FALSE);
  const kept = await page.evaluate(async (text, wanted) => {
    const kept = [];
    for (let i = 0; i < 20; i++) {
      window.grown.say(`${text}${" 그리고".repeat(i + 1)}`);
      // The browser draws next; what is highlighted now is what a person sees.
      await new Promise((resolve) => requestAnimationFrame(resolve));
      kept.push([...CSS.highlights.get("haechi-distortion")].some((range) => String(range) === wanted));
    }
    return kept;
  }, `${FALSE} ${PLAIN}`, FALSE);
  // On a slow machine one mending may take too long for the next to follow at once.
  assert.ok(kept.filter(Boolean).length >= 15, JSON.stringify(kept));
  await leave(page);
});

test("every tab has its own marks and its own count", async () => {
  const told = { chatgpt: [FALSE], kimi: [ONE_SIDED, FALSE], gemini: [] };
  const pages = await Promise.all(Object.keys(told).map(stage));
  await Promise.all(pages.map((page, i) => page.evaluate((answer) => window.stage.tell({ question: "?", answer, speed: 0 }), [PLAIN, ...Object.values(told)[i]].join("\n\n"))));
  for (const [i, words] of Object.values(told).entries()) {
    await marked(pages[i], ...words);
    await until("its count", async () => (await browser.badge(pages[i])) === (words.length > 0 ? String(words.length) : ""));
  }
  await pages[1].evaluate(() => window.stage.conversation.replaceChildren());
  await marked(pages[1]);
  await until("no count", async () => (await browser.badge(pages[1])) === "");
  assert.equal(await browser.badge(pages[0]), "1");
  for (const page of pages) await leave(page);
});

test("an old conversation of many turns is marked from its end to its beginning", async () => {
  const page = await stage("claude");
  const turns = 60;
  await page.evaluate((answers) => window.stage.history(answers), Array.from({ length: turns }, (_, i) => `${`${PLAIN} `.repeat(40)}\n\n${i}번째 답입니다. ${FALSE}`));
  await until("a mark in every answer", async () => (await allMarks(page)).length === turns);
  const { findings } = await browser.findings(page);
  assert.deepEqual(findings.map(({ answer }) => answer), [...findings.keys()].map((i) => findings[0].answer + i));
  await leave(page);
});
