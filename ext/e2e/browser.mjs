// SPDX-License-Identifier: Apache-2.0

/** Chromium with the extension in it, and how a test looks into it. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
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

export async function newProfile() {
  const dir = await mkdtemp(join(tmpdir(), "haechi-profile-"));
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

export class Browser {
  static async launch(extension, profile, { headless = true, width = 1280, height = 900 } = {}) {
    const browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless,
      userDataDir: profile,
      enableExtensions: true,
      defaultViewport: headless ? { width, height } : null,
      args: [...FLAGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
      env: { ...process.env, LANGUAGE: "ko", LANG: "ko_KR.UTF-8" },
    });
    return new Browser(browser);
  }

  constructor(browser) {
    this.browser = browser;
  }

  close() {
    return this.browser.close();
  }

  async open(url) {
    const page = await this.browser.newPage();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.message));
    await page.goto(url, { waitUntil: "load" });
    return page;
  }

  /** The background's target: a service worker, when it lives. */
  worker() {
    return this.browser.targets().find((target) => target.type() === "service_worker" && target.url().endsWith("/background.js"));
  }

  async id() {
    return (await until("the background started", () => this.worker())).url().split("/")[2];
  }

  /** Ends the service worker, as Chrome does after half a minute of quiet. */
  async killWorker() {
    const killed = this.worker();
    const worker = await killed?.worker();
    await worker?.close();
    // An open page may wake a new one at once: it is this one that must be gone.
    await until("the service worker is gone", () => !this.browser.targets().includes(killed));
  }

  /** A page of the extension's own, for what only those may do. */
  async own() {
    this.ownPage ??= await this.open(`chrome-extension://${await this.id()}/popup.html`);
    return this.ownPage;
  }

  async developerMode() {
    const page = await this.open("chrome://extensions");
    await page.evaluate(() => chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true }));
    await page.close();
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
}

/** What is highlighted in a page: the words under each of the two marks. */
export function marks(page) {
  return page.evaluate(() => {
    const words = (name) => [...(CSS.highlights.get(name) ?? [])].map((range) => range.toString());
    return { distortion: words("haechi-distortion"), oneSided: words("haechi-one-sided") };
  });
}

export async function allMarks(page) {
  const { distortion, oneSided } = await marks(page);
  return [...distortion, ...oneSided];
}

/** Where the first marked line is, after it was brought into view. */
export function markPlace(page, index = 0) {
  return page.evaluate((wanted) => {
    const ranges = ["haechi-distortion", "haechi-one-sided"].flatMap((name) => [...(CSS.highlights.get(name) ?? [])]);
    const range = ranges[wanted];
    if (!range) return null;
    range.startContainer.parentElement.scrollIntoView({ block: "center" });
    const box = range.getClientRects()[0];
    return { x: box.left + Math.min(20, box.width / 2), y: box.top + box.height / 2 };
  }, index);
}

/**
 * Runs a function in the overlay's shadow root. It is closed, so that pages
 * cannot do this; only the debugger can.
 */
export async function inOverlay(page, run, ...args) {
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

/** The text of the open card, or an empty string. */
export function card(page) {
  return inOverlay(page, (root) => {
    const element = root.querySelector(".card");
    return element.hidden ? "" : element.innerText;
  });
}
