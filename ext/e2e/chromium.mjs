// SPDX-License-Identifier: Apache-2.0

/** Chromium with the extension in it. */

import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { until } from "./until.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--lang=ko",
];

export class Chromium {
  /** The folder in dist/ that holds the extension built for it. */
  static built = "chrome-dev";
  /** True where the new script of an updated extension starts in pages that are open. */
  static revives = false;

  /** Where a profile keeps every site's and extension's IndexedDB. */
  static databases(profile) {
    return join(profile, "Default", "IndexedDB");
  }

  static async launch(extension, profile, { headless = true, width = 1280, height = 900, args = [] } = {}) {
    const browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless,
      userDataDir: profile,
      enableExtensions: true,
      defaultViewport: headless ? { width, height } : null,
      args: [...FLAGS, ...args, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
      env: { ...process.env, LANGUAGE: "ko", LANG: "ko_KR.UTF-8" },
    });
    return new Chromium(browser);
  }

  constructor(browser) {
    this.browser = browser;
  }

  close() {
    return this.browser.close();
  }

  /** A page of this browser, known to what looks into its overlay. */
  adopt(page) {
    page.haechi = this;
    return page;
  }

  async blank() {
    return this.adopt(await this.browser.newPage());
  }

  async open(url) {
    const page = await this.blank();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.message));
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  /** A page of the extension as a person opens it; `clock` is how far its clock is ahead, in ms. */
  async view(path, { size, theme, clock } = {}) {
    const page = await this.blank();
    if (size) await page.setViewport(size);
    if (theme) await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    if (clock) {
      await page.evaluateOnNewDocument((by) => {
        const now = Date.now;
        Date.now = () => now.call(Date) + by;
      }, clock);
    }
    await page.goto(`chrome-extension://${await this.id()}/${path}`);
    return page;
  }

  /** A page that the extension itself opened, whatever query stands behind its path. */
  async opened(path) {
    const own = (url) => url.replace(/^chrome-extension:\/\/[^/]+\//, "");
    const target = await until(`${path} is opened`, () => this.browser.targets().find((one) => one.type() === "page" && (own(one.url()) === path || own(one.url()).startsWith(`${path}?`))));
    return this.adopt(await target.page());
  }

  /** Downloads go there without a question. */
  async downloadsTo(folder) {
    const session = await this.browser.target().createCDPSession();
    await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder, eventsEnabled: false });
  }

  /** The background's target: a service worker, when it lives. */
  worker() {
    return this.browser.targets().find((target) => target.type() === "service_worker" && target.url().endsWith("/background.js"));
  }

  async id() {
    return (await until("the background started", () => this.worker())).url().split("/")[2];
  }

  /** Ends the service worker, as Chrome does after half a minute of quiet. */
  async killBackground() {
    const killed = this.worker();
    const worker = await killed?.worker();
    await worker?.close();
    // An open page may wake a new one at once: it is this one that must be gone.
    await until("the service worker is gone", () => !this.browser.targets().includes(killed));
  }

  /** Leaves the background as it is after a quiet while; Chromium's half a minute cannot be shortened, so it is ended. */
  async quietBackground() {
    await this.closeOwn();
    await this.killBackground();
  }

  /** Gives the background its usual time again. */
  async usualQuiet() {}

  /** A page of the extension's own, for what only those may do. */
  async own() {
    this.ownPage ??= await this.open(`chrome-extension://${await this.id()}/LICENSE.txt`); // one that no setting loads anew
    return this.ownPage;
  }

  async closeOwn() {
    const own = this.ownPage;
    this.ownPage = undefined;
    await own?.close();
  }

  /** The engine's Worker answers the next request as it does after a trap. */
  async breakEngine() {
    const target = this.browser.targets().find((one) => one.url().endsWith("/offscreen.html"));
    const offscreen = await target.asPage();
    const engine = await until("the engine's worker", () => offscreen.workers()[0]);
    await engine.evaluate(() => (self.onmessage = ({ data }) => self.postMessage({ id: data.id, broken: "unreachable executed" })));
  }

  /** Sets the clock of the background and of the engine's document forward by so many ms; 0 sets it right. */
  async turnClock(ms) {
    const turn = (by) => {
      const now = (globalThis.realNow ??= Date.now);
      Date.now = () => now.call(Date) + by;
    };
    const offscreen = this.browser.targets().find((one) => one.url().endsWith("/offscreen.html"));
    await (await offscreen.asPage()).evaluate(turn, ms);
    await (await this.worker().worker()).evaluate(turn, ms);
  }

  /** Loads the extension anew under its open pages, as an update does. */
  async update() {
    await this.developerMode(); // without it Chromium does not start a reloaded extension again
    const own = await this.own();
    this.ownPage = undefined;
    await own.evaluate(() => void setTimeout(() => chrome.runtime.reload()));
    await until("its pages are gone", () => own.isClosed());
    await this.id(); // the background runs again
  }

  async developerMode() {
    const page = await this.open("chrome://extensions");
    await page.evaluate(() => chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true }));
    await page.close();
  }

  /** Presses a command's key in a page: the browser's own shortcuts are out of a debugger's reach. */
  async command(page, name) {
    const worker = await this.worker().worker();
    await worker.evaluate(async (url, command) => {
      const tab = (await chrome.tabs.query({})).find((one) => one.url === url);
      chrome.commands.onCommand.dispatch(command, tab);
    }, page.url(), name);
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
    const url = page.url();
    const reply = await (await this.own()).evaluate(async (wanted) => {
      const tabs = await chrome.tabs.query({});
      const answers = await Promise.all(
        tabs.map((tab) => chrome.tabs.sendMessage(tab.id, { to: "tab", type: "findings", request: null }).then((answer) => ({ url: tab.url, answer }), () => null)),
      );
      return answers.filter((one) => one?.url === wanted).map(({ answer }) => answer.ok)[0];
    }, url);
    return reply;
  }

  async badge(page) {
    return (await this.own()).evaluate(async (wanted) => {
      const tab = (await chrome.tabs.query({})).find(({ url }) => url === wanted);
      return chrome.action.getBadgeText({ tabId: tab.id });
    }, page.url());
  }

  /** See inOverlay in browser.mjs. */
  async inOverlay(page, run, ...args) {
    const session = (page.overlaySession ??= await page.createCDPSession());
    const { root } = await session.send("DOM.getDocument", { depth: 2 });
    const html = root.children.find(({ nodeName }) => nodeName === "HTML");
    for (const child of [...html.children].reverse()) {
      const { node } = await session.send("DOM.describeNode", { nodeId: child.nodeId, depth: 1, pierce: true });
      const shadow = node.shadowRoots?.[0];
      if (!shadow) continue;
      const { object } = await session.send("DOM.resolveNode", { backendNodeId: shadow.backendNodeId });
      const { result, exceptionDetails } = await session.send("Runtime.callFunctionOn", {
        objectId: object.objectId,
        functionDeclaration: `function (...args) { return (${run})(this, ...args); }`,
        arguments: args.map((value) => ({ value })),
        returnByValue: true,
      });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    }
    return null;
  }
}
