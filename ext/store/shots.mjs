// SPDX-License-Identifier: Apache-2.0

/**
 * The pictures for the stores, of the real extension in Chromium, in every
 * language: `npm run store:shots [-- --lang ko]` after `./build.sh build`.
 * dist/store/ gets five of 1280×800 and a tile of 440×280 in each.
 */

import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Browser, inOverlay, markPlace, newProfile } from "../e2e/browser.mjs";
import { DIST } from "../e2e/haechi.mjs";
import { serveReplica } from "../e2e/static.mjs";
import { Surfaces } from "../e2e/surfaces.mjs";
import { until } from "../e2e/until.mjs";
import { CHATS } from "./chats.mjs";

const EXT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(DIST, "store");
/** What both stores show; larger is cut down, smaller is refused. */
const SHOT = { width: 1280, height: 800 };
const TILE = { width: 440, height: 280 };
/** As wide as Chrome first opens it. */
const PANEL = { width: 380, height: SHOT.height };

/** The replica without what only its readers need: its name, its links and its input. */
const BARE = "header, #composer, .actions { display: none !important } main { flex: 1 } #thread { padding-top: 48px }";
const TILED = `
  body { background: #f4f1ea !important; height: 280px !important }
  #thread { padding: 44px 96px 0 28px !important; max-width: none !important; margin: 0 !important }
  .turn.user { display: none !important }
  .turn { margin: 0 !important; padding: 0 !important; text-wrap: balance; word-break: keep-all; color: #1b1b1b; font-size: 21px !important; line-height: 1.5 }
  .tile { display: flex; align-items: center; gap: 16px; padding: 0 28px 36px }
  .tile img { width: 64px; height: 64px }
  .tile b { font-size: 36px; line-height: 1; color: #1b1b1b }`;

async function screenshot(page, name) {
  await page.bringToFront();
  await page.screenshot({ path: join(OUT, `${name}.png`) });
}

class Shots {
  chats = 0;

  constructor(browser, replica) {
    this.browser = browser;
    this.replica = replica;
    this.surfaces = new Surfaces(browser, replica);
  }

  /** A chat in which everything is marked that the extension marks. */
  async chat({ question, answers, marks }, { theme = "light", size = SHOT, style = BARE } = {}) {
    const page = await this.browser.open("about:blank");
    await page.setBypassCSP(true); // for the style below; the extension's own pages keep theirs
    await page.setViewport(size);
    await page.goto(`${this.replica}/chatgpt.html?speed=0&theme=${theme}&shot=${++this.chats}`);
    await page.waitForSelector("html[data-ready]");
    await page.addStyleTag({ content: style });
    await page.evaluate((entry) => window.replica.ask(entry), { question, answer: answers.join("\n\n"), thinking: "" });
    await until(`${marks} marked sentences`, async () => {
      const found = await this.browser.findings(page);
      return found?.pending === 0 && new Set(found.findings.map(({ quote }) => quote)).size === marks;
    });
    return page;
  }

  /** Opens the card of a mark; the counts settle a frame later. */
  async withCard(page, index) {
    const { x, y } = await markPlace(page, index);
    await page.mouse.click(x, y);
    await until("the card's text", () => inOverlay(page, (root) => root.querySelector(".card .doings") !== null));
    await new Promise((resolve) => setTimeout(resolve, 300));
  }

  async own(name, size, theme = "light") {
    const page = await this.browser.open("about:blank");
    await page.setViewport(size);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    await page.goto(`chrome-extension://${await this.browser.id()}/${name}`);
    return page;
  }

  /** What the card is about stands last, where the card hides nothing. */
  async card(lang, name, index, theme) {
    const { sections, ...chat } = CHATS[lang];
    const page = await this.chat({ ...chat, answers: index === 0 ? sections.slice().reverse() : sections }, { theme });
    await this.withCard(page, index);
    await screenshot(page, `${name}-${lang}`);
    await page.close();
  }

  /** The panel beside the page, as the browser's window shows them; the window itself cannot be pictured. */
  async panel(lang, name) {
    const chat = await this.chat({ ...CHATS[lang], answers: CHATS[lang].sections }, { size: { width: SHOT.width - PANEL.width, height: SHOT.height } });
    const panel = await this.own(`panel.html?tab=${await this.surfaces.tabId(chat)}`, PANEL);
    await this.surfaces.settle(panel, "panel");
    const halves = [];
    for (const page of [chat, panel]) {
      await page.bringToFront();
      halves.push(await page.screenshot({ encoding: "base64" }));
    }
    const both = await this.browser.open("about:blank");
    await both.setViewport(SHOT);
    await both.setContent(`<style>body{margin:0;display:flex}img+img{box-shadow:-1px 0 #c8c8c8}</style>${halves.map((half) => `<img src="data:image/png;base64,${half}">`).join("")}`);
    await screenshot(both, `${name}-${lang}`);
    for (const page of [chat, panel, both]) await page.close();
  }

  async page(lang, name, what) {
    const page = await this.own(`${what}.html`, SHOT);
    await this.surfaces.settle(page, what);
    await screenshot(page, `${name}-${lang}`);
    await page.close();
  }

  /** The name over one sentence that the extension marks. */
  async tile(lang) {
    const { question, sentence } = CHATS[lang];
    const page = await this.chat({ question, answers: [sentence], marks: 1 }, { size: TILE, style: BARE + TILED });
    const icon = (await readFile(join(EXT, "src", "icons", "128.png"))).toString("base64");
    const { name } = JSON.parse(await readFile(join(EXT, "_locales", lang === "zh" ? "zh_CN" : lang, "messages.json"), "utf8"));
    await page.evaluate(
      (src, text) => {
        const [tile, image, title] = ["div", "img", "b"].map((tag) => document.createElement(tag));
        tile.className = "tile";
        image.src = src;
        title.textContent = text;
        tile.append(image, title);
        document.body.append(tile);
      },
      `data:image/png;base64,${icon}`,
      name.message,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await screenshot(page, `tile-${lang}`);
    await page.close();
  }

  async all(lang) {
    await this.surfaces.choose({ language: lang });
    await this.card(lang, "1-distortion", 0, "light");
    await this.card(lang, "2-one-sided", 1, "dark");
    await this.panel(lang, "3-panel");
    await this.page(lang, "4-welcome", "welcome");
    await this.page(lang, "5-options", "options");
    await this.tile(lang);
  }
}

async function main() {
  const { values } = parseArgs({ options: { lang: { type: "string" } } });
  const langs = values.lang ? [values.lang] : Object.keys(CHATS);
  if (!Object.hasOwn(CHATS, langs[0])) throw new Error(`--lang is one of: ${Object.keys(CHATS).join(", ")}`);
  // The development build alone may read the replica.
  const built = spawnSync(process.execPath, [join(EXT, "build.mjs"), "--dev", "--target", "chrome", "--dist", DIST], { stdio: ["ignore", "ignore", "inherit"] });
  if (built.status !== 0) throw new Error("the development extension could not be built: run ./build.sh build first");
  await mkdir(OUT, { recursive: true });
  const ends = [];
  try {
    for (const lang of langs) {
      // A profile for each, so that the panel has the findings of one language.
      const profile = await newProfile();
      ends.push(() => profile.remove());
      const replica = await serveReplica();
      ends.push(() => replica.close());
      const browser = await Browser.launch(join(DIST, "chrome-dev"), profile.dir, SHOT);
      ends.push(() => browser.close());
      await new Shots(browser, replica.url).all(lang);
      while (ends.length > 0) await ends.pop()();
    }
  } finally {
    for (const end of ends.reverse()) await end().catch(() => undefined);
  }
  console.log(OUT);
}

try {
  await main();
} catch (error) {
  console.error(`ext/store/shots.mjs: ${error.message}`);
  process.exitCode = 1;
}
