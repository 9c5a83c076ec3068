// SPDX-License-Identifier: Apache-2.0

/**
 * Haechi at work on a replica of a chat site: `node ext/demo.mjs`.
 *
 *   --headless          no window, as where there is no display: streams every
 *                       recorded answer and prints what was marked in it
 *   --screenshot FILE   a picture of a marked answer and its card; headless, dist/screenshot.png
 *   --site NAME         chatgpt (default) or deepseek
 *   --server URL        the rule server, default http://127.0.0.1:8787
 *   --speed N           tokens a second, default 60, headless 600
 *
 * HAECHI_BROWSER=firefox shows it in Firefox. Where no server answers at the
 * address, the built one is started there and stopped at the end. Rules pushed
 * to it work in the open page at once.
 */

import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Browser, card, markPlace, newProfile } from "./e2e/browser.mjs";
import { DIST, Server, TOP } from "./e2e/haechi.mjs";
import { serveReplica } from "./e2e/static.mjs";
import { until } from "./e2e/until.mjs";

const EXT = dirname(fileURLToPath(import.meta.url));
const NAMES = { distortion: "왜곡", "one-sided": "일방적 주장", framing: "틀" };

function options() {
  const { values } = parseArgs({
    options: {
      headless: { type: "boolean", default: false },
      screenshot: { type: "string" },
      site: { type: "string", default: "chatgpt" },
      server: { type: "string", default: "http://127.0.0.1:8787" },
      speed: { type: "string" },
    },
  });
  const display = process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.platform === "darwin";
  const headless = values.headless || values.screenshot !== undefined || !display;
  const screenshot = values.screenshot ?? (headless ? join(DIST, "screenshot.png") : undefined);
  return { ...values, screenshot, headless, speed: Number(values.speed ?? (headless ? 600 : 60)) };
}

/** The server at the address: one that is there already, or the built one. */
async function serverAt(url) {
  const there = await fetch(new URL("/healthz", url)).then((response) => response.ok, () => false);
  if (there) return { stop: async () => undefined };
  return Server.start({ data: join(TOP, "data"), port: Number(new URL(url).port) });
}

/** Streams every case, waits until all is judged, and prints it case by case. */
async function showAll(browser, page) {
  const cases = await page.evaluate(() => window.replica.cases);
  let found = { findings: [] };
  for (let i = 0; i < cases.length; i++) {
    await page.evaluate((n) => window.replica.ask(window.replica.cases[n]), i);
    found = await until("every answer judged", async () => {
      const now = await browser.findings(page);
      return now?.answers === i + 1 && now.pending === 0 && now;
    });
    const here = found.findings.filter(({ answer }) => answer === i);
    console.log(`\n${cases[i].id}  ${cases[i].question}`);
    console.log(`  ${cases[i].answer.replaceAll("\n", "\n  ")}`);
    for (const { verdict, quote, rule, proposition } of here) console.log(`  ▸ ${NAMES[verdict]}  “${quote}”  ${rule}/${proposition}`);
    if (here.length === 0) console.log("  · 표시 없음");
  }
  const marked = new Set(found.findings.map(({ answer }) => answer)).size;
  console.log(`\n답변 ${cases.length}개 가운데 ${marked}개에서 문장 ${found.findings.length}개를 표시했습니다.`);
  return found.findings.length;
}

async function picture(page, file) {
  const at = await markPlace(page);
  if (at) {
    await page.mouse.move(at.x, at.y);
    await until("the card", async () => (await card(page)).length > 200);
  }
  await page.screenshot({ path: resolve(process.env.INIT_CWD ?? ".", file) });
  console.log(resolve(process.env.INIT_CWD ?? ".", file));
}

async function main() {
  const { headless, screenshot, site, server: url, speed } = options();
  const built = spawnSync(process.execPath, [join(EXT, "build.mjs"), "--dev", "--target", Browser.built.replace("-dev", ""), "--dist", DIST], { stdio: ["ignore", "ignore", "inherit"] });
  if (built.status !== 0) throw new Error("the development extension could not be built");
  const ends = [];
  try {
    const server = await serverAt(url);
    ends.push(() => server.stop());
    const replica = await serveReplica();
    ends.push(() => replica.close());
    const profile = await newProfile();
    ends.push(() => profile.remove());
    const browser = await Browser.launch(join(DIST, Browser.built), profile.dir, { headless });
    ends.push(() => browser.close());

    const sync = new URL("/v1/sync", url);
    sync.protocol = sync.protocol === "https:" ? "wss:" : "ws:";
    await browser.setServer(sync.href);
    const page = await browser.open(`${replica.url}/${site}.html?speed=${speed}`);
    await page.waitForSelector("html[data-ready]");
    if (headless) {
      const count = await showAll(browser, page);
      if (screenshot !== undefined) await picture(page, screenshot);
      if (count === 0) throw new Error("nothing was marked");
    } else {
      await (await browser.own()).close();
      await page.bringToFront();
      console.log(`열린 창에서 “모두 보기”를 누르거나 답을 붙여 넣어 보세요. 창을 닫으면 끝납니다.\n규칙 보내기: dist/haechi rules push FILE --server ${url}`);
      await new Promise((done) => browser.browser.once("disconnected", done));
    }
  } finally {
    for (const end of ends.reverse()) await end().catch(() => undefined);
  }
}

try {
  await main();
} catch (error) {
  console.error(`ext/demo.mjs: ${error.message}`);
  process.exitCode = 1;
}
