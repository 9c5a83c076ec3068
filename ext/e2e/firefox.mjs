// SPDX-License-Identifier: Apache-2.0

/**
 * Firefox with the extension in it, driven over WebDriver BiDi.
 *
 * The extension is installed for good, so that it survives a restart as a
 * citizen's does. That needs a build of Firefox which takes unsigned
 * extensions when told to: ESR, Developer Edition or Nightly, not Release.
 * BiDi reaches the extension's own pages, and with its system access the
 * browser's own window, where the background page can be told to end.
 */

import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import webExt from "web-ext";
import { OwnPage } from "./ownpage.mjs";
import { until } from "./until.mjs";

/** Firefox gives every installation another host name; the tests fix it. */
const HOST = "5d0c0f3a-7f0e-4c52-9a8b-0e6f4d1c2b3a";
/** A page of the extension that runs nothing: the popup would keep the background awake. */
const QUIET_PAGE = "icons/16.png";

/** How long an event page may be idle before Firefox ends it, in ms; 30,000 as shipped. */
const IDLE = "extensions.background.idle.timeout";

const manifestOf = async (folder) => JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));

/** The extension as one file, as it is handed to the store; in a folder of its own. */
async function pack(folder) {
  const dir = await mkdtemp(join(tmpdir(), "haechi-xpi-"));
  const quiet = { shouldExitProgram: false, showReadyMessage: false };
  const { extensionPath } = await webExt.cmd.build({ sourceDir: folder, artifactsDir: dir, filename: "haechi.xpi" }, quiet);
  return { path: extensionPath, remove: () => rm(dir, { recursive: true, force: true }) };
}

export class Firefox {
  /** The folder in dist/ that holds the extension built for it. */
  static built = "firefox-dev";
  /** True where the new script of an updated extension starts in pages that are open. */
  static revives = true;

  /** Where a profile keeps the extension's IndexedDB. */
  static databases(profile) {
    return join(profile, "storage", "default", `moz-extension+++${HOST}`, "idb");
  }

  static async launch(extension, profile, { headless = true, width = 1280, height = 900, prefs = {} } = {}) {
    const { id } = (await manifestOf(extension)).browser_specific_settings.gecko;
    const there = await stat(join(profile, "extensions", `${id}.xpi`)).then(() => true, () => false);
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      headless,
      userDataDir: profile,
      defaultViewport: headless ? { width, height } : null,
      args: ["--remote-allow-system-access"],
      env: { ...process.env, LANGUAGE: "ko", LANG: "ko_KR.UTF-8" },
      extraPrefsFirefox: {
        "extensions.webextensions.uuids": JSON.stringify({ [id]: HOST }),
        "intl.locale.requested": "ko",
        "xpinstall.signatures.required": false,
        ...prefs,
      },
    });
    const firefox = new Firefox(browser, extension, id);
    if (there) await until("the extension is there again", () => firefox.policy("active"));
    else await firefox.install(extension);
    return firefox;
  }

  constructor(browser, extension, id) {
    this.browser = browser;
    this.extension = extension;
    this.id = id;
  }

  close() {
    return this.browser.close();
  }

  async blank() {
    const page = await this.browser.newPage();
    page.haechi = this;
    return page;
  }

  async open(url) {
    const page = await this.blank();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.message));
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  async send(method, params) {
    return (await this.browser.connection.send(method, params)).result;
  }

  /** Runs a function in a page, its arguments and result as JSON. */
  async call(context, run, ...args) {
    const answer = await this.send("script.callFunction", {
      functionDeclaration: `async (args) => JSON.stringify((await (${run})(...JSON.parse(args))) ?? null)`,
      arguments: [{ type: "string", value: JSON.stringify(args) }],
      target: { context },
      awaitPromise: true,
    });
    if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
    return JSON.parse(answer.result.value);
  }

  /** Runs the body of a function in the browser's own window; `policy` is the extension there. */
  async chrome(body) {
    const { contexts } = await this.send("browsingContext.getTree", { "moz:scope": "chrome", maxDepth: 0 });
    return this.call(contexts[0].context, `() => { const policy = WebExtensionPolicy.getByID("${this.id}"); ${body} }`);
  }

  policy(property) {
    return this.chrome(`return policy?.${property}`);
  }

  async install(folder) {
    const file = await pack(folder);
    try {
      await this.send("webExtension.install", { extensionData: { type: "archivePath", path: file.path }, "moz:permanent": true });
    } finally {
      await file.remove();
    }
  }

  /** Installs a higher version over the one there, under its open pages. */
  async update() {
    const folder = await mkdtemp(join(tmpdir(), "haechi-update-"));
    try {
      await cp(this.extension, folder, { recursive: true });
      const manifest = await manifestOf(folder);
      const version = `${await this.policy("extension.version")}.1`;
      await writeFile(join(folder, "manifest.json"), JSON.stringify({ ...manifest, version }));
      this.ownContext = undefined; // Firefox closes the extension's pages
      await this.install(folder);
      await until("the new version runs", async () => (await this.policy("extension.version")) === version);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Ends the event page; an open page may wake a new one at once. */
  async killBackground() {
    await this.chrome("return policy.extension.terminateBackground({ disableResetIdleForTest: true })");
  }

  /**
   * Waits until the background was quiet for so long that the browser ended
   * it: a second, not half a minute, and it stays a second, so that what comes
   * next must hold its own background until it is finished.
   */
  async quietBackground() {
    await this.closeOwn();
    await this.chrome(`Services.prefs.setIntPref("${IDLE}", 1_000)`);
    await until("the event page is gone", async () => (await this.policy("extension.backgroundState")) === "stopped");
  }

  /** Gives the background its usual time again. */
  async usualQuiet() {
    await this.chrome(`Services.prefs.clearUserPref("${IDLE}")`);
  }

  /** A page of the extension's own, for what only those may do. */
  async own() {
    const here = this.ownContext ?? (await this.openOwn());
    this.ownContext = here;
    return {
      evaluate: (run, ...args) => this.call(here, run, ...args),
      close: () => this.closeOwn(),
    };
  }

  async closeOwn() {
    const context = this.ownContext;
    this.ownContext = undefined;
    if (context) await this.send("browsingContext.close", { context });
  }

  /** A page of the extension as a person opens it; `clock` is how far its clock is ahead, in ms. */
  async view(path, { size, theme, clock } = {}) {
    const { context } = await this.send("browsingContext.create", { type: "tab" });
    const page = new OwnPage(this, context);
    if (size) await page.setViewport(size);
    if (theme) await this.chrome(`Services.prefs.setIntPref("layout.css.prefers-color-scheme.content-override", ${theme === "dark" ? 0 : 1})`);
    await page.goto(`moz-extension://${HOST}/${path}`);
    // No script can be put before those of such a page; the popup tells the time anew every second.
    if (clock) {
      await page.evaluate((by) => {
        const now = Date.now;
        Date.now = () => now.call(Date) + by;
      }, clock);
    }
    return page;
  }

  /** A page that the extension itself opened, whatever query stands behind its path. */
  async opened(path) {
    const url = `moz-extension://${HOST}/${path}`;
    const { context } = await until(`${path} is opened`, async () => (await this.send("browsingContext.getTree", { maxDepth: 0 })).contexts.find((one) => one.url === url || one.url.startsWith(`${url}?`)));
    return new OwnPage(this, context);
  }

  /** Downloads go there without a question. */
  async downloadsTo(folder) {
    await this.chrome(`Services.prefs.setIntPref("browser.download.folderList", 2); Services.prefs.setStringPref("browser.download.dir", ${JSON.stringify(folder)})`);
  }

  /** Sets the clock of the event page forward by so many ms, and keeps it alive meanwhile; 0 sets it right. */
  async turnClock(ms) {
    if (ms === 0) await this.usualQuiet();
    else await this.chrome(`Services.prefs.setIntPref("${IDLE}", 600_000)`);
    await (await this.own()).evaluate(async (by) => {
      const background = await chrome.runtime.getBackgroundPage();
      const now = (background.realNow ??= background.Date.now);
      background.Date.now = () => now.call(background.Date) + by;
    }, ms);
  }

  /** Presses a command's key in a page. */
  async command(page, name) {
    await page.bringToFront();
    const { suggested_key: key } = (await manifestOf(this.extension)).commands[name];
    const letter = key.default.at(-1);
    await this.chrome(`const key = [...document.querySelectorAll('keyset[id^="ext-keyset-id"] key')].find((one) => one.getAttribute("key") === "${letter}"); key.doCommand();`);
  }

  async openOwn() {
    const { context } = await this.send("browsingContext.create", { type: "tab", background: true });
    // The load event of such a page does not reach BiDi: the page itself is asked.
    await this.send("browsingContext.navigate", { context, url: `moz-extension://${HOST}/${QUIET_PAGE}`, wait: "none" });
    await until("a page of the extension", () => this.call(context, () => typeof chrome?.runtime?.sendMessage === "function"));
    return context;
  }

  /** The engine's Worker gets nonsense in place of the next request, and says that it broke. */
  async breakEngine() {
    await (await this.own()).evaluate(async () => {
      const { prototype } = (await chrome.runtime.getBackgroundPage()).Worker;
      const { postMessage } = prototype;
      prototype.postMessage = function ({ id }) {
        prototype.postMessage = postMessage;
        this.postMessage({ id, boot: { wasm: "missing.wasm", model: [] } });
      };
    });
  }

  async setServer(server) {
    await (await this.own()).evaluate((value) => chrome.storage.local.set({ server: value }), server);
  }

  async status() {
    const reply = await (await this.own()).evaluate(() => chrome.runtime.sendMessage({ to: "background", type: "status", request: null }));
    if (reply?.error) throw new Error(reply.error.message);
    return reply.ok;
  }

  /** What the content script of a page found, as the popup asks for it. */
  async findings(page) {
    return (await this.own()).evaluate(async (wanted) => {
      const tab = (await chrome.tabs.query({})).find(({ url }) => url === wanted);
      return (await chrome.tabs.sendMessage(tab.id, { to: "tab", type: "findings", request: null })).ok;
    }, page.url());
  }

  async badge(page) {
    return (await this.own()).evaluate(async (wanted) => {
      const tab = (await chrome.tabs.query({})).find(({ url }) => url === wanted);
      return chrome.action.getBadgeText({ tabId: tab.id });
    }, page.url());
  }

  /** See inOverlay in browser.mjs. */
  async inOverlay(page, run, ...args) {
    const target = { context: page.mainFrame()._id };
    const found = await this.send("script.callFunction", {
      functionDeclaration: "() => [...document.documentElement.children].slice(2)",
      target,
      awaitPromise: true,
      serializationOptions: { maxDomDepth: 1, includeShadowTree: "all" },
    });
    const root = found.result.value.map(({ value }) => value.shadowRoot?.sharedId).findLast(Boolean);
    if (!root) return null;
    const answer = await this.send("script.callFunction", {
      functionDeclaration: `(root, args) => JSON.stringify((${run})(root, ...JSON.parse(args)) ?? null)`,
      arguments: [{ sharedId: root }, { type: "string", value: JSON.stringify(args) }],
      target,
      awaitPromise: true,
    });
    if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
    return JSON.parse(answer.result.value);
  }
}
