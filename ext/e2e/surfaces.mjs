// SPDX-License-Identifier: Apache-2.0

/** Every surface of the extension, opened in a language, a theme and a size. */

import { inOverlay, markPlace } from "./browser.mjs";
import { until } from "./until.mjs";

/** One sentence of each verdict, and one in which there is nothing to mark. */
export const ANSWER = `## 두 가지 이야기

첫째 문단에는 아무 문제도 없습니다. 신사임당의 남편은 이순신 장군입니다. 율곡 이이는 신사임당의 아들입니다.

- 독도는 일본의 고유 영토이다.
- 제주도는 섬이다.`;

export class Surfaces {
  static NAMES = ["popup", "options", "welcome", "panel", "history", "print", "card"];

  chats = 0; // each has an address of its own: tabs are told apart by it

  constructor(browser, replica) {
    this.browser = browser;
    this.replica = replica;
  }

  /** A chat with marks in it; the pages that list findings look at it. */
  async chat(theme = "light", size) {
    const page = await this.browser.blank();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.message));
    if (size) await page.setViewport(size);
    await page.goto(`${this.replica}/chatgpt.html?speed=0&theme=${theme}&tab=${++this.chats}`);
    await page.waitForSelector("html[data-ready]");
    await page.evaluate((answer) => window.replica.ask({ question: "신사임당과 독도를 알려 줘", answer, lang: "ko" }), ANSWER);
    await until("two marks", async () => (await this.browser.findings(page))?.findings.length === 2);
    return page;
  }

  async tabId(page) {
    const own = await this.browser.own();
    return own.evaluate(async (url) => (await chrome.tabs.query({})).find((tab) => tab.url === url).id, page.url());
  }

  async choose(settings) {
    await (await this.browser.own()).evaluate((change) => chrome.storage.local.set(change), settings);
  }

  async open(name, { lang, theme, size }) {
    await this.choose({ language: lang });
    if (name === "card") return { page: await this.openCard(theme, size), whole: false };
    this.marked ??= await this.chat();
    const tab = await this.tabId(this.marked);
    if (name === "print") await this.handToPrint();
    const file = name === "history" ? "panel" : name;
    const page = await this.browser.view(`${file}.html?tab=${tab}`, { size, theme });
    await this.settle(page, name);
    return { page, whole: name !== "panel" && name !== "history" };
  }

  async settle(page, name) {
    const text = (selector) => page.$eval(selector, (element) => element.textContent);
    if (name === "popup") await until("the model", () => text("#model"));
    if (name === "options") await until("the facts", () => text("#about"));
    if (name === "welcome") await until("the marks", () => text("#state").then((state) => /\d/.test(state)));
    if (name === "print") await until("the findings", () => page.$("#findings article"));
    if (name === "history") await page.click("#view-history");
    if (name === "panel" || name === "history") {
      await until("the findings", () => page.$("#list li"));
      await page.click('#list li [data-do="evidence"]');
      await until("the evidence", () => page.$("#list .evidence .sources a"));
    }
  }

  /** What the panel hands to the printable page. */
  async handToPrint() {
    const own = await this.browser.own();
    await until("two findings kept", () =>
      own.evaluate(async () => {
        const open = indexedDB.open("haechi-findings", 1);
        const db = await new Promise((resolve, reject) => ((open.onsuccess = () => resolve(open.result)), (open.onerror = reject)));
        const get = db.transaction("findings").objectStore("findings").getAll();
        const print = await new Promise((resolve) => (get.onsuccess = () => resolve(get.result)));
        db.close();
        await chrome.storage.session.set({ print });
        return print.length >= 2;
      }),
    );
  }

  async openCard(theme, size) {
    const page = await this.chat(theme, size);
    const { x, y } = await markPlace(page);
    await page.mouse.click(x, y);
    await until("the card's text", () => inOverlay(page, (root) => root.querySelector(".card .doings") !== null));
    await new Promise((resolve) => setTimeout(resolve, 300)); // the counts settle a frame later
    return page;
  }
}
