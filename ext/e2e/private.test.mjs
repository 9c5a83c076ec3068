// SPDX-License-Identifier: Apache-2.0

/**
 * No text leaves the machine. Every site's fixture is read, marked and used as
 * a person does, in a browser all of whose traffic goes through a recording
 * proxy, that to this machine included. No request, header, address, body or
 * socket frame may hold twelve characters in a row of any answer or question.
 *
 * The controls: the same search finds what a page does send, in every form;
 * and of the extension it finds the report that a person sent, which is what
 * he saw and nothing more.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { allMarks, Browser, card, inOverlay, markPlace, newProfile } from "./browser.mjs";
import { DIST, Server, TOP } from "./haechi.mjs";
import { Leaks } from "./leak.mjs";
import { openOwn, press, says } from "./opened.mjs";
import { Recorder, textsOf } from "./recorder.mjs";
import { Rogue } from "./rogue.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const RULE_FILE = join(TOP, "rules", "data", "yi-sun-sin-misattribution.json");
const FIXTURES = join(TOP, "ext", "test", "sites");
const chromium = !Browser.revives;
/** In every fixture: the last answer and the question before it. */
const [LAST_ANSWER, LAST_QUESTION] = ["김치는 한국의 음식", "그럼 김치는?"];

let browser, profile, recorder, server, sites;
const leaks = new Leaks();
/** What Chromium itself says that the extension's own worker and pages asked for. */
const asked = [];

before(async () => {
  profile = await newProfile();
  server = await Server.start();
  recorder = await Recorder.start();
  const names = (await readdir(join(TOP, "rules", "sites"))).filter((name) => name.endsWith(".json"));
  sites = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(TOP, "rules", "sites", name), "utf8"))));
  const [host, port] = ["127.0.0.1", recorder.port];
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir, {
    args: [`--proxy-server=http://${host}:${port}`, "--proxy-bypass-list=<-loopback>"],
    prefs: {
      "network.proxy.type": 1,
      ...{ "network.proxy.http": host, "network.proxy.http_port": port, "network.proxy.ssl": host, "network.proxy.ssl_port": port },
      "network.proxy.allow_hijacking_localhost": true,
      "network.proxy.no_proxies_on": "",
    },
  });
  if (chromium) {
    browser.browser.on("targetcreated", (target) => void listen(target));
    for (const target of browser.browser.targets()) await listen(target);
  }
  await browser.setServer(server.sync);
  await (await browser.own()).evaluate(() => chrome.storage.local.set({ language: "ko" }));
  await until("sync through the proxy", async () => (await browser.status()).sync.phase === "current");
});

after(async () => {
  await browser?.close();
  await recorder?.close();
  await server?.remove();
  await profile?.remove();
});

/** Writes down what a worker or page of the extension asks the network for, whether or not it gets there. */
async function listen(target) {
  // A Worker that a debugger holds on to does not start; what it would send the proxy hears.
  if (!/^chrome-extension:.*(background\.js|\.html)/.test(target.url())) return;
  try {
    const session = await target.createCDPSession();
    session.on("Network.requestWillBeSent", ({ request }) => asked.push({ url: request.url, text: JSON.stringify(request) }));
    session.on("Network.webSocketCreated", ({ url }) => asked.push({ url, text: url }));
    session.on("Network.webSocketFrameSent", ({ response }) => asked.push({ url: "frame", text: response.payloadData }));
    await session.send("Network.enable");
  } catch {
    // it was gone before it could be listened to; the proxy hears it all the same
  }
}

/** A site's fixture with an answer and a question that stand nowhere else. */
async function fixture(id) {
  const html = await readFile(join(FIXTURES, `${id}.html`), "utf8");
  const secret = `비밀스러운 답의 끝에는 남에게 보이지 않을 말 ${Math.random().toString(36).slice(2)} 있다.`;
  const question = `아무도 모르게 묻는 말 ${Math.random().toString(36).slice(2)} 신사임당의 남편은?`;
  const answer = `${FALSE} ${secret}`;
  assert.ok(html.includes(LAST_ANSWER) && html.includes(LAST_QUESTION), id);
  leaks.keep(answer, question);
  const page = html.replace(LAST_ANSWER, answer).replace(LAST_QUESTION, question);
  return `<!doctype html><html lang="ko"><meta charset="utf-8"><title>${id}</title><link rel="icon" href="data:,"><body>${page}`;
}

/** Opens a site: at its own address where the browser lets a test answer for it, else at a local one. */
async function open({ id, matches }) {
  const body = await fixture(id);
  const address = matches[0].replace("*", "c/1");
  if (!chromium || address.includes("google")) {
    const local = `http://127.0.0.1:${recorder.port}/replica/${id}.html`;
    recorder.answer = ({ url }) => (url === local || local.endsWith(url) ? { headers: { "content-type": "text/html; charset=utf-8" }, body } : undefined);
    return browser.open(local);
  }
  const page = await browser.blank();
  await page.setRequestInterception(true);
  page.on("request", (request) => void request.respond(request.isNavigationRequest() ? { contentType: "text/html; charset=utf-8", body } : { status: 404 }));
  await page.goto(address, { waitUntil: "load" });
  return page;
}

const click = (page, selector) => inOverlay(page, (root, wanted) => root.querySelector(wanted)?.click(), selector);

/** What a person does with what was found, short of sending it. */
async function use(page) {
  await until("the mark", async () => (await allMarks(page)).includes(FALSE));
  await page.bringToFront();
  const at = async () => {
    const { x, y } = await markPlace(page);
    await page.mouse.move(x, y);
    await page.mouse.click(x, y);
    await until("the card", async () => (await card(page)).includes("yi-sun-sin-misattribution"));
    await until("its buttons", () => inOverlay(page, (root) => root.querySelectorAll(".doings button").length === 3));
  };
  await at();
  await click(page, ".doings button:last-of-type"); // copied with its sources
  await click(page, ".doings button"); // not a problem here
  await until("the mark is gone", async () => !(await allMarks(page)).includes(FALSE));
  await click(page, ".notice .undo");
  await until("the mark is back", async () => (await allMarks(page)).includes(FALSE));
  await click(page, ".launcher");
  await page.keyboard.press("Escape");
}

/** What of all that went out holds a secret. */
function leaked() {
  const sent = recorder.sent.map((one) => ({ what: `${one.method} ${one.url}`, found: textsOf(one).flatMap((text) => leaks.in(text)) }));
  const own = asked.map(({ url, text }) => ({ what: `${url} as the browser tells it`, found: leaks.in(text) }));
  return [...sent, ...own].filter(({ found }) => found.length > 0);
}

test("on every site answers are read, marked and used, and nothing of them goes anywhere", { timeout: 500_000 }, async () => {
  assert.equal(sites.length, 14);
  for (const site of sites) {
    const page = await open(site);
    await use(page).catch((error) => {
      throw new Error(`${site.id}: ${error.message}`);
    });
    if (site.id === "claude") {
      // Whatever the extension does by itself, it does while the texts are there.
      await server.push("--remove", RULE_FILE.split("/").pop().replace(".json", ""));
      await until("other rules", async () => !(await allMarks(page)).includes(FALSE));
      await server.push(RULE_FILE);
      await browser.status();
      await until("the mark is back", async () => (await allMarks(page)).includes(FALSE));
      for (const file of ["panel.html", "options.html", "popup.html"]) {
        const own = await openOwn(browser, file);
        if (file === "panel.html") await press(own, "#view-history");
        await until(`${file} is there`, () => own.evaluate(() => document.body.innerText.length > 40));
        await own.close();
      }
      await browser.setServer("ws://127.0.0.1:1/v1/sync"); // fails, and is tried again, over sockets and files
      await until("it waits", async () => ["waiting", "connecting"].includes((await browser.status()).sync.phase));
      await browser.setServer(server.sync);
      await until("sync again", async () => (await browser.status()).sync.phase === "current");
    }
    await page.close();
  }
  assert.deepEqual(leaked(), []);
  // The proof is of something: the rules did come through the proxy, and frames could be read.
  const texts = recorder.sent.flatMap(textsOf);
  assert.ok(texts.some((text) => text.includes('"type":"hello"')), "a hello is in the record");
  if (chromium) {
    const hosts = new Set(asked.map(({ url }) => url).filter((url) => /^(https?|wss?):/.test(url)).map((url) => new URL(url).host));
    assert.deepEqual([...hosts].filter((host) => !host.startsWith("127.0.0.1:")), [], "the extension speaks to the rule server only");
    assert.ok(hosts.has(`127.0.0.1:${server.port}`));
  }
});

test("the control: what a page sends is found, in an address, a header, a body and a frame, however it is written", async () => {
  const secret = `다른 비밀 ${Math.random().toString(36).slice(2)} 들킬 말입니다.`;
  const sink = await Rogue.start("", { greet: () => undefined });
  const own = new Leaks();
  own.keep(secret);
  const local = `http://127.0.0.1:${recorder.port}/leak.html`;
  recorder.answer = ({ url }) => (url.includes("/leak") ? { headers: { "content-type": "text/html; charset=utf-8" }, body: "<!doctype html><title>leak</title>" } : undefined);
  const page = await browser.open(local);
  try {
    const ways = ["address", "header", "body", "escaped", "base64", "form"];
    for (const way of ways) {
      const before = recorder.sent.length;
      await page.evaluate(
        async (how, text) => {
          const bytes = new TextEncoder().encode(text);
          const base64 = btoa(String.fromCharCode(...bytes));
          const escaped = [...text].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
          if (how === "address") await fetch(`/leak?q=${encodeURIComponent(text)}`);
          if (how === "header") await fetch("/leak", { headers: { "x-a": base64 } });
          if (how === "body") await fetch("/leak", { method: "POST", body: text });
          if (how === "escaped") await fetch("/leak", { method: "POST", body: `{"a":"${escaped}"}` });
          if (how === "base64") await fetch("/leak", { method: "POST", body: base64 });
          if (how === "form") await fetch("/leak", { method: "POST", body: new URLSearchParams({ a: text.replaceAll(" ", "") }) });
        },
        way,
        secret,
      );
      await until(`${way} is found`, () => recorder.sent.slice(before).some((one) => textsOf(one).some((text) => own.in(text).length > 0)));
    }
    const before = recorder.sent.length;
    await page.evaluate((address, text) => {
      const socket = new WebSocket(address);
      socket.onopen = () => socket.send(text);
    }, sink.sync, secret);
    await until("the frame is found", () => recorder.sent.slice(before).some((one) => textsOf(one).some((text) => own.in(text).length > 0)));
  } finally {
    await page.close();
    await sink.close();
  }
});

test("the other control: the report that a person sends is found, and is what he saw and nothing more", async () => {
  const page = await open(sites.find(({ id }) => id === "chatgpt"));
  await until("the mark", async () => (await allMarks(page)).includes(FALSE));
  await page.bringToFront();
  const { x, y } = await markPlace(page);
  await page.mouse.click(x, y);
  await until("the card", () => inOverlay(page, (root) => root.querySelector(".card:not([hidden]) .doings .report") !== null));
  await click(page, ".doings .report");
  const report = await browser.opened("report.html");
  await until("the form", () => report.evaluate(() => !document.getElementById("form").hidden));
  assert.deepEqual(leaked(), [], "to look is not to send");
  const shown = await report.evaluate(() => document.getElementById("exact").textContent);
  await press(report, "#send");
  await says(report, "code", /^[0-9A-Z-]{24}$/);
  const found = leaked().filter(({ what }) => !what.endsWith("as the browser tells it"));
  assert.deepEqual(found.map(({ what }) => what), [`POST http://127.0.0.1:${server.port}/v1/reports`]);
  const [one] = recorder.to("/v1/reports").filter(({ method }) => method === "POST");
  assert.deepEqual(JSON.parse(Buffer.concat(one.chunks).toString()), JSON.parse(shown));
  const headers = one.headers.join("\n");
  assert.ok(!/cookie|referer|authorization/i.test(headers), headers);
  assert.deepEqual(leaks.in(headers), []);
  await report.close();
  await page.close();
});
