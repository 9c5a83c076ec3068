// SPDX-License-Identifier: Apache-2.0

/**
 * The review desk of a real server, and people at it in windows of a real
 * browser. HAECHI_SHOTS names a folder for pictures of the pages.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import puppeteer from "puppeteer-core";
import { DIST, Server } from "./haechi.mjs";
import { newProfile } from "./profile.mjs";
import { until } from "./until.mjs";

export const run = promisify(execFile);
export const haechi = (...args) => run(join(DIST, "haechi"), args);
const PASSWORD = "두 사람이 서로 모르게 판정한다";
const SHOTS = process.env.HAECHI_SHOTS;
const AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Chromium alone runs a script past the page's policy, switches scripts off, and shows a page dark, when told to. */
export const PAST_POLICY = process.env.HAECHI_BROWSER !== "firefox";

const BROWSER = PAST_POLICY
  ? {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=ko"],
    }
  : {
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      extraPrefsFirefox: { "intl.accept_languages": "ko", "intl.locale.requested": "ko" },
    };

/** Sentences that are no variants of one another, so that each is a case. */
export const RULES = ["kimchi-origin-china", "balhae-tang-local-regime", "hanbok-from-hanfu", "dokdo-japanese-territory", "goguryeo-chinese-local-regime"];
const SUBJECTS = ["김치는 쓰촨의 절임에서 나온", "발해는 당나라가 다스리던", "한복은 명나라 옷을 그대로 옮긴", "독도는 일본이 먼저 찾아낸", "고구려는 중원 왕조에 딸린"];
const ENDS = ["음식이라고 널리 알려져 있습니다", "것이라는 설명이 가장 정확합니다", "문화라고 보는 편이 옳습니다", "역사적 사실입니다", "대상이라고 학교에서 가르칩니다", "사례로 꼽힙니다"];
export const SITES = ["chatgpt", "deepseek", "qwen"];

/** The i-th of thirty reports. */
export function sample(i) {
  const [s, e] = [i % SUBJECTS.length, Math.floor(i / SUBJECTS.length)];
  const sentence = `${SUBJECTS[s]} ${ENDS[e]}.`;
  return {
    excerpt: `질문해 주셔서 감사합니다. ${sentence} 더 궁금한 점이 있으면 알려 주세요.`,
    sentence,
    question: "한국의 문화와 역사를 간단히 설명해 줘.",
    site: SITES[i % SITES.length],
    language: "ko",
    rule: RULES[s],
    verdict: "distortion",
    score: 0.6 + i / 100,
  };
}

export class Desk {
  static async start(flags = []) {
    const desk = new Desk();
    desk.profile = await newProfile();
    desk.server = await Server.start({ flags });
    desk.downloads = await mkdtemp(join(tmpdir(), "haechi-downloads-"));
    desk.browser = await puppeteer.launch({
      ...BROWSER,
      userDataDir: desk.profile.dir,
      protocolTimeout: 600_000,
      env: { ...process.env, LANGUAGE: "ko", LANG: "ko_KR.UTF-8" },
    });
    desk.axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    return desk;
  }

  async close() {
    await this.browser?.close();
    await this.server?.remove();
    await this.profile?.remove();
    if (this.downloads) await rm(this.downloads, { recursive: true, force: true });
  }

  /** Sends one report, as the extension does. */
  async report(report) {
    const answer = await fetch(`${this.server.url}/v1/reports`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(report) });
    assert.equal(answer.status, 201, await answer.clone().text());
    return answer.json();
  }

  /** A window without anybody else's cookies. */
  async window(size = { width: 1280, height: 900 }) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(size);
    page.broken = [];
    page.on("pageerror", (error) => page.broken.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 4/.test(message.text())) page.broken.push(message.text());
    });
    if (!PAST_POLICY) return page;
    const session = await this.browser.target().createCDPSession();
    await session.send("Browser.setDownloadBehavior", { behavior: "allow", browserContextId: context.id, downloadPath: this.downloads });
    return page;
  }

  /** The address that makes an account with a role. */
  async invitation(role) {
    const { stdout } = await haechi("review", "invite", "--role", role, "--data", this.server.data, "--url", this.server.url);
    return stdout.trim();
  }

  /** The window of somebody who was invited and has just made an account. */
  async person(name, role, size) {
    const page = await this.window(size);
    await page.goto(await this.invitation(role));
    await page.type("#name", name);
    await page.type("#password", PASSWORD);
    await press(page, "Enter");
    assert.match(page.url(), /\/review\/guide/);
    return page;
  }

  open(page, path) {
    return page.goto(this.server.url + path);
  }

  /** The file that following a link brings, as its name and text. */
  async download(page, selector) {
    await page.focus(selector);
    await page.keyboard.press("Enter");
    const name = await until(`a download of ${selector}`, async () => (await readdir(this.downloads)).find((file) => /^haechi-.*\.(csv|json|jsonl)$/.test(file)));
    const file = join(this.downloads, name);
    const text = await readFile(file, "utf8");
    await rm(file); // the next one may have the same name
    return { name, text };
  }

  /** Fails where a page is too wide, or where axe-core finds anything. */
  async check(page, name) {
    if (PAST_POLICY) await this.#accessible(page, name);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
  }

  async #accessible(page, name) {
    const session = await page.createCDPSession(); // the page's policy lets no script of a test in
    await session.send("Runtime.evaluate", { expression: this.axe });
    const { result } = await session.send("Runtime.evaluate", {
      expression: `axe.run(document, { runOnly: ${JSON.stringify(AXE_RULES)} }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).slice(0, 3).join(" | "))))`,
      awaitPromise: true,
      returnByValue: true,
    });
    await session.detach();
    assert.deepEqual(JSON.parse(result.value), [], name);
  }
}

/** Presses a key that leads to another page. */
export async function press(page, key) {
  await Promise.all([page.waitForNavigation(), page.keyboard.press(key)]);
}

/** Tabs on until something has the focus, as somebody without a mouse does. */
export async function tabTo(page, selector) {
  for (let i = 0; i < 300; i++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${selector}`);
}

export const caseOf = (page) => /\/review\/case\/([a-z0-9]+)/.exec(page.url())?.[1];
export const text = (page, selector) => page.$eval(selector, (element) => element.textContent.trim());

export async function shot(page, name) {
  if (!SHOTS) return;
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
