// SPDX-License-Identifier: Apache-2.0

/**
 * Pages that mean harm, in a real browser: what they cannot read, spoof or
 * script, and what they do to their own answers without blinding the rest.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, Browser, card, inOverlay, markPlace, newProfile } from "./browser.mjs";
import { DIST } from "./haechi.mjs";
import { press, says } from "./opened.mjs";
import { Recorder } from "./recorder.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const ONE_SIDED = "독도는 일본의 고유 영토이다.";
const RULE = "yi-sun-sin-misattribution";
const chromium = !Browser.revives;

let browser, profile, site;

before(async () => {
  profile = await newProfile();
  site = await Recorder.start("http://127.0.0.1:1");
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
  await (await browser.own()).evaluate(() => chrome.storage.local.set({ language: "ko" }));
});

after(async () => {
  await browser?.close();
  await site?.close();
  await profile?.remove();
});

let pages = 0;

/** A page of our own making at the address of a replica; `script` runs before anything else of it. */
async function visit(body, script = "") {
  const path = `/replica/chatgpt-${++pages}.html`;
  const html = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>x</title><link rel="icon" href="data:,"><script>${script}</script><body>${body}</body></html>`;
  site.answer = ({ url }) => (url.startsWith("/replica/") ? { headers: { "content-type": "text/html; charset=utf-8" }, body: pagesServed.get(url.split("?")[0]) ?? "" } : { status: 204 });
  pagesServed.set(path, html);
  const page = await browser.open(site.url + path);
  await page.bringToFront(); // timers of a hidden page run once a second
  return page;
}
const pagesServed = new Map();

const answer = (html, id = "") => `<div data-message-author-role="assistant"${id && ` id="${id}"`}><div class="markdown">${html}</div></div>`;
const marked = (page, ...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = await allMarks(page);
    return (now.length === wanted.length && wanted.every((words) => now.includes(words))) || Promise.reject(new Error(JSON.stringify(now)));
  });

async function openCard(page, rule = RULE) {
  await page.bringToFront();
  const { x, y } = await markPlace(page);
  await page.mouse.click(x, y);
  await until("the card", async () => (await card(page)).includes(rule));
}

/** Records whatever a script could get hold of before ours runs. */
const SPY = `
  window.caught = [];
  for (const [owner, name] of [[Element.prototype, "attachShadow"], [Document.prototype, "createElement"], [Element.prototype, "append"], [Node.prototype, "appendChild"], [EventTarget.prototype, "addEventListener"]]) {
    const real = owner[name];
    owner[name] = function (...args) { const made = real.apply(this, args); if (window.listening) window.caught.push(name); return made; };
  }
  window.heard = [];
  addEventListener("message", ({ data }) => window.heard.push(JSON.stringify(data)));
  for (const type of ["haechi", "copy", "keydown", "click", "pointerdown"]) addEventListener(type, (event) => window.heard.push(type + " " + event.composedPath().length), true);
  window.listening = true;
`;

test("the page cannot reach the card: no root, no call, no event with it in its path", async () => {
  const page = await visit(answer(`<p>${FALSE}</p>`), SPY);
  await marked(page, FALSE);
  await openCard(page);
  const seen = await page.evaluate(() => {
    const host = document.querySelector("[data-haechi]");
    const box = { x: 0, y: 0 };
    const found = [];
    for (let x = 0; x < innerWidth; x += 40) {
      for (let y = 0; y < innerHeight; y += 40) {
        for (const element of document.elementsFromPoint(x, y)) if (element !== host && !document.contains(element)) found.push(element.outerHTML);
        const caret = document.caretPositionFromPoint?.(x, y)?.offsetNode ?? document.caretRangeFromPoint?.(x, y)?.startContainer;
        if (caret && !document.contains(caret)) found.push(String(caret.textContent));
      }
    }
    getSelection().selectAllChildren(document.documentElement);
    const all = String(getSelection());
    getSelection().removeAllRanges();
    return {
      box,
      found,
      all,
      root: host.shadowRoot,
      html: host.innerHTML + (host.getHTML?.({ serializableShadowRoots: true }) ?? ""),
      text: host.innerText + host.textContent,
      children: host.childNodes.length,
      frames: [...document.querySelectorAll("*")].filter((element) => element.localName.includes("-")).length,
      caught: window.caught,
      active: document.activeElement === host || document.activeElement === document.body,
      globals: Object.keys(window).filter((name) => /haechi/i.test(name)),
    };
  });
  assert.deepEqual(seen.found, []);
  assert.equal(seen.root, null);
  assert.deepEqual([seen.html, seen.text, seen.children], ["", "", 0]);
  assert.deepEqual(seen.globals, []);
  assert.deepEqual(seen.caught, [], "ours runs in a world of its own");
  assert.equal(seen.active, true);
  for (const secret of [RULE, "근거가 말하는 것", "출처"]) assert.ok(!seen.all.includes(secret), `a selection of everything has ${secret}`);
  const heard = await page.evaluate(() => window.heard);
  assert.ok(heard.every((line) => Number(line.split(" ")[1] ?? 0) < 12), heard.join());
  await page.close();
});

test("what a page makes up is no person's doing: it opens, closes, dismisses and sends nothing", async () => {
  const page = await visit(answer(`<p>${FALSE}</p>`), SPY);
  await marked(page, FALSE);
  const fake = (open) => page.evaluate((opened) => {
    const range = [...CSS.highlights.get("haechi-distortion")][0];
    const { left, top } = range.getClientRects()[0];
    const target = range.startContainer.parentElement;
    const at = { bubbles: true, composed: true, cancelable: true, clientX: left + 4, clientY: top + 4, button: 0, pointerType: "mouse" };
    const host = document.querySelector("[data-haechi]");
    for (const element of [target, host, document.body]) {
      if (opened && element === target) continue; // that would be the wish for another card
      for (const type of ["pointermove", "pointerover", "pointerenter", "pointerdown", "pointerup"]) element.dispatchEvent(new PointerEvent(type, at));
      for (const type of ["mousedown", "mouseup", "click"]) element.dispatchEvent(new MouseEvent(type, at));
    }
    host.click();
    host.focus();
    for (const key of ["Escape", "Enter", "H"]) {
      for (const element of [window, document, host]) element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, altKey: true, shiftKey: true }));
    }
    for (const type of ["list", "findings", "jump", "dismiss", "report", "found", "count", "check"]) {
      for (const to of ["tab", "background", "engine"]) {
        postMessage({ to, type, request: null }, "*");
        window.dispatchEvent(new CustomEvent("haechi", { detail: { to, type } }));
        document.dispatchEvent(new MessageEvent("message", { data: { to, type, request: {} } }));
        try {
          globalThis.chrome?.runtime?.sendMessage?.({ to, type, request: { seed: {}, private: false } });
        } catch {
          // there is no such thing in a page
        }
      }
    }
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  }, open);
  await fake(false);
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // longer than a pointer must rest
  assert.equal(await card(page), "", "nothing opened");
  await openCard(page);
  await fake(true);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.ok((await card(page)).includes(RULE), "nothing closed");
  await marked(page, FALSE);
  const tabs = await (await browser.own()).evaluate(async () => (await chrome.tabs.query({})).map(({ url }) => url ?? ""));
  assert.ok(tabs.every((url) => !url.includes("report.html")), tabs.join());
  await page.close();
});

test("a page's styles and its own marks do not change what the card says or how it stands", async () => {
  const page = await visit(`<style>[data-haechi] { opacity: 0 !important; display: none !important; transform: scale(9) !important; pointer-events: none !important; clip-path: inset(50%) !important; filter: blur(9px) !important } * { color: transparent !important } :root { direction: rtl }</style>${answer(`<p>${FALSE}</p>`)}`);
  await marked(page, FALSE);
  await openCard(page);
  const style = await page.evaluate(() => {
    const { opacity, display, transform, pointerEvents, clipPath, filter, direction } = getComputedStyle(document.querySelector("[data-haechi]"));
    return { opacity, display, transform, pointerEvents, clipPath, filter, direction };
  });
  assert.deepEqual(style, { opacity: "1", display: "inline", transform: "none", pointerEvents: "auto", clipPath: "none", filter: "none", direction: "ltr" });
  await page.evaluate(() => {
    const host = document.querySelector("[data-haechi]");
    host.setAttribute("style", "opacity: 0 !important; visibility: hidden !important");
    host.innerHTML = "<p>아무 문제 없음</p>";
    host.after(Object.assign(document.createElement("div"), { textContent: "가짜 카드" }));
    document.documentElement.lastElementChild.setAttribute("data-haechi", "");
    // A mark that the page makes itself has no card behind it.
    const range = document.createRange();
    document.body.append("만든 말");
    range.selectNodeContents(document.body.lastChild);
    CSS.highlights.get("haechi-distortion").add(range);
  });
  const again = await page.evaluate(() => {
    const { opacity, visibility } = getComputedStyle(document.querySelector("[data-haechi]"));
    return { opacity, visibility };
  });
  assert.deepEqual(again, { opacity: "1", visibility: "visible" });
  assert.deepEqual((await browser.findings(page)).findings.map(({ quote }) => quote), [FALSE], "what we say is found is ours alone");
  await page.close();
});

test("text is never HTML: not in the list, the card, the panel, the history or the review", async () => {
  const evil = `신사임당의 남편은 <img src=x onerror="window.hacked=1"><b>이순신</b> 장군입니다.`;
  const literal = evil.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const page = await visit(`<div data-message-author-role="user">${literal}</div>${answer(`<p>${literal}</p>`)}`);
  const [quote] = await until("the mark", async () => ((await allMarks(page)).length === 1 ? allMarks(page) : null));
  assert.ok(quote.includes("<img"), quote);
  await openCard(page);
  const inCard = await inOverlay(page, (root) => ({ text: root.querySelector("blockquote").textContent, html: root.querySelectorAll("img, b:not(footer b), script").length }));
  assert.deepEqual([inCard.text.includes("<img src=x"), inCard.html], [true, 0]);
  const own = await browser.own();
  const tab = await own.evaluate(async (url) => (await chrome.tabs.query({})).find((one) => one.url === url).id, page.url());
  await own.evaluate((path) => void chrome.tabs.create({ url: chrome.runtime.getURL(path) }), `panel.html?tab=${tab}`);
  const panel = await browser.opened("panel.html");
  for (const view of ["tab", "history"]) {
    await press(panel, `#view-${view}`);
    await until(`the finding in ${view}`, () => panel.evaluate(() => document.querySelector("#list .quote")?.textContent.includes("<img")));
    assert.equal(await panel.evaluate(() => document.querySelectorAll("img, #list b, script:not([src])").length), 0);
  }
  await press(panel, "#list [data-do=report]");
  const report = await browser.opened("report.html");
  await until("the form", () => report.evaluate(() => !document.getElementById("form").hidden));
  assert.deepEqual(await report.evaluate(() => [document.querySelectorAll("main img, main b").length, document.getElementById("sentence").value.includes("<img"), globalThis.hacked ?? null]), [0, true, null]);
  await press(report, "#throw");
  await until("it asks", () => report.evaluate(() => document.getElementById("sure").open));
  await press(report, "#sure-yes");
  await says(report, "over", /버렸습니다/);
  await report.close();
  await panel.close();
  assert.equal(await page.evaluate(() => window.hacked ?? null), null);
  await page.close();
});

test("ten thousand nested nodes, and the answer beside them is marked", async () => {
  const page = await visit(`${answer("<p>깊은 답.</p>", "deep")}${answer(`<p>${FALSE}</p>`)}<div id="log"></div>`);
  await page.evaluate((words) => {
    let at = document.querySelector("#deep .markdown");
    for (let i = 0; i < 10_000; i++) {
      const inner = document.createElement("span");
      inner.style.display = "contents"; // the browser's own layout is not what is tried here
      at = at.appendChild(inner);
    }
    at.append(words);
  }, ONE_SIDED);
  await marked(page, FALSE);
  await page.evaluate((words) => document.querySelector("#deep .markdown").append(words), ONE_SIDED);
  await marked(page, FALSE, ONE_SIDED); // the deep one is read on as far as it is readable
  assert.deepEqual(page.errors, []);
  await page.close();
});

test("a megabyte that streams into one node stops neither the marks nor the answers after it", async () => {
  const page = await visit(`${answer(`<p id="flood">${FALSE} </p>`)}`);
  await page.evaluate(async () => {
    const node = document.getElementById("flood").firstChild;
    const piece = "이 문장에는 아무 문제도 없습니다. ".repeat(1_300);
    while (node.length < 1_000_000) {
      node.appendData(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  await marked(page, FALSE);
  await page.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), answer(`<p>${ONE_SIDED}</p>`));
  await marked(page, FALSE, ONE_SIDED);
  assert.equal((await browser.findings(page)).answers, 2, "the content script answers at once");
  await page.close();
});

test("zero-width characters and marks of direction hide no sentence, and the mark has exactly it", async () => {
  const hidden = "\u202e신사임\u200b당의 남\u2066편은 이순\u00ad신\u200d 장군입니다\u2069.";
  const page = await visit(`<div dir="rtl">${answer(`<p>مرحبا. ${hidden} 끝.</p>`)}</div>`);
  const [words] = await until("the mark", async () => ((await allMarks(page)).length === 1 ? allMarks(page) : null));
  assert.equal(words.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad]/g, ""), FALSE);
  await openCard(page);
  await inOverlay(page, (root) => root.querySelector(".doings .report").click());
  const report = await browser.opened("report.html");
  await until("the form", () => report.evaluate(() => !document.getElementById("form").hidden));
  assert.equal(await report.evaluate(() => document.getElementById("sentence").value), FALSE, "what goes out has nothing that is not seen");
  await says(report, "hidden", /[1-9]/);
  await press(report, "#throw");
  await until("it asks", () => report.evaluate(() => document.getElementById("sure").open));
  await press(report, "#sure-yes");
  await says(report, "over", /버렸습니다/);
  await report.close();
  await page.close();
});

test("nodes that vanish, move and change while they are marked leave no error and no false mark", async () => {
  const page = await visit(`<div id="room">${answer(`<p>${FALSE}</p>`)}</div>`);
  await marked(page, FALSE);
  await openCard(page);
  await page.evaluate(async (html) => {
    const room = document.getElementById("room");
    const host = () => document.querySelector("[data-haechi]");
    for (let i = 0; i < 150; i++) {
      const way = i % 6;
      if (way === 0) room.innerHTML = "";
      if (way === 1) room.innerHTML = html;
      if (way === 2) room.querySelector("p")?.firstChild?.splitText(5);
      if (way === 3) room.querySelector("p")?.normalize();
      if (way === 4) host()?.remove();
      if (way === 5) document.body.append(room);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    room.innerHTML = html;
  }, answer(`<p>${ONE_SIDED}</p>`));
  await marked(page, ONE_SIDED);
  assert.equal(await card(page), "", "the card of what is gone is closed");
  await openCard(page, "dokdo");
  assert.deepEqual(page.errors, []);
  await page.close();
});

test("an answer whose elements lie about themselves is passed over, and the others are read", async () => {
  const page = await visit(`${answer(`<form><input name="tagName"><input name="matches"><input name="firstChild"><p>${FALSE}</p></form>`)}${answer(`<p>${ONE_SIDED}</p>`)}`);
  await until("the honest one is marked", async () => (await allMarks(page)).includes(ONE_SIDED));
  await page.close();
});

test("pages cannot load anything of the extension, which would tell them that it is there", { skip: !chromium && "Firefox names the extension's host anew for each profile; there is nothing to guess" }, async () => {
  const page = await visit(answer(`<p>${FALSE}</p>`));
  const id = await browser.id();
  const loaded = await page.evaluate(async (base) => {
    const tries = ["manifest.json", "report.html", "icons/16.png", "content.js", "panel.html"].map((file) => fetch(base + file).then(() => file, () => ""));
    const frame = document.createElement("iframe");
    frame.src = `${base}report.html`;
    document.body.append(frame);
    return (await Promise.all(tries)).filter(Boolean);
  }, `chrome-extension://${id}/`);
  assert.deepEqual(loaded, []);
  const inside = page.frames().map((frame) => frame.url()).filter((url) => url.includes(id));
  assert.deepEqual(inside, []);
  await page.close();
});
