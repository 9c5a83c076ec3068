// SPDX-License-Identifier: Apache-2.0

/**
 * What a reader feels while an answer streams, on every site's fixture in a
 * real Chromium: how long after its end a sentence is marked, and what our
 * content script costs the page's main thread. BENCHMARKS.md explains it.
 *
 *   node ext/stream.mjs [--site ID] [--speed TOKENS] [--before TURNS] [--top] [--json]
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Chromium } from "./e2e/chromium.mjs";
import { checkNatively, DIST, finding } from "./e2e/haechi.mjs";
import { newProfile } from "./e2e/profile.mjs";
import { serveStages } from "./e2e/stages.mjs";
import { CATEGORIES, costs, percentile } from "./e2e/trace.mjs";
import { until } from "./e2e/until.mjs";

const GOAL = { wait: 300, task: 50, batch: 2 };
const SCRIPT = "/content.js";

/** False sentences, each between true ones as long as those of a chatbot. */
const FALSE = [
  "신사임당의 남편은 이순신 장군입니다.",
  "독도는 일본의 고유 영토이다.",
  "훈민정음은 15세기 중국의 이황이 만든 한글의 원리를 설명하는 서적입니다.",
  "발해는 당나라의 지방 정권이었습니다.",
  "한복은 중국 명나라의 한푸에서 유래한 옷입니다.",
  "김치는 중국의 파오차이에서 유래한 음식입니다.",
  "고구려와 발해는 둘 다 중국의 변방 정권으로 중화 문명의 영향을 깊이 받았다.",
  "고구려는 중국의 소수민족 지방 정권이었습니다.",
];
const TRUE = [
  "조선의 화가이자 시인이었던 그는 풀과 벌레를 즐겨 그렸고, 그 그림은 지금도 여러 박물관에서 볼 수 있습니다.",
  "이 섬은 동해의 한가운데에 있고, 두 개의 큰 바위와 여든아홉 개의 작은 바위로 되어 있습니다.",
  "글자를 만든 까닭과 쓰는 법을 적은 책이며, 서울의 한 미술관이 간직하고 있습니다.",
  "북쪽의 넓은 땅에 다섯 서울을 두었고, 바다 건너 여러 나라와 사신을 주고받았습니다.",
  "치마와 저고리, 바지와 두루마기로 이루어지며, 옷감과 빛깔은 철과 자리에 따라 다릅니다.",
  "배추와 무를 소금에 절이고 고춧가루와 마늘, 젓갈로 버무려 익히며, 고장마다 맛이 다릅니다.",
];

/** About 1,500 characters with a heading, paragraphs and lists, as chatbots write. */
const ANSWER = [
  "## 한국의 역사와 문화",
  ...FALSE.map((sentence, i) => {
    const [before, after] = [TRUE[i % TRUE.length], TRUE[(i + 3) % TRUE.length]];
    return i % 3 === 2 ? `- ${before}\n- ${sentence}\n- ${after}` : `${before} ${sentence} ${after}`;
  }),
  "더 궁금한 점이 있으면 말씀해 주세요.",
].join("\n\n");

/** About 2,000 characters: one of the answers before it. */
const EARLIER = Array(6).fill(TRUE.join(" ")).join("\n\n");
/** How many turns an old conversation has that is opened. */
const HISTORY = 60;
/** In which everything before it is judged. */
const QUIET_MS = 4_000;

async function open(browser, url) {
  const page = await browser.open(url);
  await page.waitForSelector("html[data-ready]");
  await page.bringToFront();
  await page.evaluate((answer) => window.stage.tell({ question: "데우기", answer, speed: 0 }), FALSE[0]); // so that the engine runs
  await until("the engine is warm", () => marks(page));
  return page;
}

const marks = (page) => page.evaluate(() => ["haechi-distortion", "haechi-one-sided"].reduce((sum, name) => sum + (CSS.highlights.get(name)?.size ?? 0), 0));

/** What our script cost the page while `work` was done in it. */
async function traced(page, work) {
  const dir = await mkdtemp(join(tmpdir(), "haechi-trace-"));
  try {
    const path = join(dir, "trace.json");
    await page.tracing.start({ path, categories: CATEGORIES });
    const result = await work();
    await page.tracing.stop();
    return { result, ...costs(JSON.parse(await readFile(path, "utf8")).traceEvents, SCRIPT) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** An answer is streamed below some that are there already. */
async function streamed(browser, url, { watch, speed, before }) {
  const page = await open(browser, url);
  await page.evaluate((answers) => window.stage.history(answers), Array.from({ length: before }, (_, i) => `${EARLIER} ${i}`));
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const asked = { question: "한국을 소개해 줘", answer: ANSWER, speed, watch };
  const { result, ...cost } = await traced(page, () => page.evaluate((one) => window.stage.tell(one), asked));
  await page.close();
  return { waits: result.times.map(({ wait }) => wait), blinks: result.times.map(({ blinks }) => blinks), ...cost };
}

/** A conversation of many turns is opened: all of it is new at once. */
async function opened(browser, url, turns) {
  const page = await open(browser, url);
  const answers = Array.from({ length: turns }, (_, i) => `${EARLIER}\n\n${i}번째 답입니다. ${FALSE[0]}`);
  const { result, ...cost } = await traced(page, async () => {
    await page.evaluate((all) => window.stage.history(all), answers);
    await until("every answer judged", async () => (await marks(page)) === turns + 1);
  });
  await page.close();
  return { waits: [], blinks: [], ...cost };
}

/** One site's figures, or those of all together. */
function summary({ waits, blinks, batches, tasks }) {
  const seen = waits.filter((wait) => wait !== null);
  const round = (ms) => Math.round(ms * 100) / 100;
  return {
    sentences: waits.length,
    marked: seen.length,
    wait_p50: Math.round(percentile(seen, 0.5)),
    wait_p95: Math.round(percentile(seen, 0.95)),
    wait_max: Math.round(percentile(seen, 1)),
    blinks: blinks.reduce((sum, n) => sum + n, 0),
    batches: batches.length,
    batch_p50: round(percentile(batches, 0.5)),
    batch_p95: round(percentile(batches, 0.95)),
    batch_max: round(percentile(batches, 1)),
    busy_ms: Math.round(batches.reduce((sum, ms) => sum + ms, 0)),
    task_max: round(percentile(tasks.map(({ cpu }) => cpu), 1)),
  };
}

function line(name, of) {
  const cells = [of.marked + "/" + of.sentences, of.wait_p50, of.wait_p95, of.wait_max, of.blinks, of.batches, of.batch_p50, of.batch_p95, of.batch_max, of.busy_ms, of.task_max];
  console.log([name.padEnd(18), ...cells.map((cell) => String(cell).padStart(8))].join(" "));
}

async function main() {
  const { values } = parseArgs({
    options: {
      site: { type: "string" },
      speed: { type: "string", default: "60" },
      before: { type: "string", default: "10" },
      top: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const [{ found }] = await checkNatively([{ id: "stream", answer: ANSWER, question: "한국을 소개해 줘" }]);
  // What the whole answer is found to hold; stricter than each sentence alone.
  const watch = FALSE.filter((sentence) => found.some((one) => one.endsWith(finding({ rule: "", quote: sentence }))));
  if (watch.length === 0) throw new Error("the rules find nothing in the answer that is streamed: give FALSE other sentences");
  const profile = await newProfile();
  const stages = await serveStages();
  const browser = await Chromium.launch(join(DIST, "chrome-dev"), profile.dir);
  const all = { waits: [], blinks: [], batches: [], tasks: [] };
  const sites = {};
  const top = new Map();
  const worst = [];
  try {
    const heads = ["marked", "wait p50", "p95", "max", "blinks", "batches", "ms p50", "p95", "max", "busy ms", "task max"];
    console.log(["site".padEnd(18), ...heads.map((head) => head.padStart(8))].join(" "));
    for (const id of stages.ids.filter((one) => !values.site || one === values.site)) {
      const of = await streamed(browser, `${stages.url}/${id}.html`, { watch, speed: Number(values.speed), before: Number(values.before) });
      for (const key of Object.keys(all)) all[key].push(...of[key]);
      for (const [name, ms] of of.top) top.set(name, (top.get(name) ?? 0) + ms);
      worst.push(...of.worst.map((one) => ({ ...one, at: id })));
      line(id, (sites[id] = summary(of)));
    }
    const history = await opened(browser, `${stages.url}/${values.site ?? "chatgpt"}.html`, HISTORY);
    worst.push(...history.worst.map((one) => ({ ...one, at: "history" })));
    if (values.top) for (const [name, ms] of history.top) top.set(`history: ${name}`, ms);
    const old = summary(history);
    line(`${HISTORY} turns at once`, old);
    const total = summary(all);
    line("all", total);
    const holds = (good) => (good ? "holds" : "MISSED");
    console.log(`\nsentence end → mark, p95      ${total.wait_p95} ms (goal ${GOAL.wait}): ${holds(total.wait_p95 <= GOAL.wait && total.marked === total.sentences)}`);
    console.log(`main thread per batch, p95    ${total.batch_p95} ms (goal ${GOAL.batch}): ${holds(total.batch_p95 <= GOAL.batch)}`);
    const longest = Math.max(total.batch_max, old.batch_max);
    console.log(`the most in one task          ${longest} ms (goal ${GOAL.task}): ${holds(longest <= GOAL.task)}`);
    if (values.top) {
      for (const { at, ms, names } of worst.sort((a, b) => b.ms - a.ms).slice(0, 25)) {
        console.log(`${ms.toFixed(1).padStart(8)} ms in one task of ${at}: ${names.slice(0, 6).map(([name, own]) => `${name} ${own.toFixed(1)}`).join(", ")}`);
      }
    }
    if (values.top) for (const [name, ms] of [...top].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${String(Math.round(ms)).padStart(8)} ms ${name}`);
    if (values.json) console.log(JSON.stringify({ goals: GOAL, all: total, sites, history: old }));
  } finally {
    await browser.close();
    await stages.close();
    await profile.remove();
  }
}

await main();
