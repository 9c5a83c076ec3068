// SPDX-License-Identifier: Apache-2.0

/**
 * What a malicious or broken rule server can do to the extension in a real
 * browser, and that its user is told. The attacks on the engine's own checks
 * are a table in rules/trust/trusttest; here they come over the wire.
 *
 * In each attack the real server is one release ahead, which takes a mark
 * away, so that whatever gets through shows in the open page.
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { allMarks, Browser, newProfile } from "./browser.mjs";
import { DIST, MAINTAINER, Server, successors, TOP } from "./haechi.mjs";
import { Rogue } from "./rogue.mjs";
import { serveFolder, serveReplica } from "./static.mjs";
import { until } from "./until.mjs";

const FALSE = "신사임당의 남편은 이순신 장군입니다.";
const ONE_SIDED = "독도는 일본의 고유 영토이다.";
const RULE = "yi-sun-sin-misattribution";
const RULE_FILE = join(TOP, "rules", "data", `${RULE}.json`);
const OTHER_RULE = "kimchi-origin-china";
/** Nobody listens there. */
const NOWHERE = "ws://127.0.0.1:1/v1/sync";
const MAX_FRAME = 8 << 20;
const DAY_MS = 86_400_000;
const TOO_LONG_MS = 61_000;

let browser, profile, replica, server, scratch, page;
/** True while the real server's newest release takes the mark of RULE away. */
let ahead = false;
/** What is to be closed after each test. */
const open = [];

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "haechi-attack-"));
  profile = await newProfile();
  replica = await serveReplica();
  server = await Server.start();
  await server.push("--again"); // so that there is a history
  browser = await Browser.launch(join(DIST, Browser.built), profile.dir);
  await (await browser.own()).evaluate(() => chrome.storage.local.set({ bucket: 50, language: "ko" }));
  page = await browser.open(`${replica.url}/chatgpt.html?speed=0`);
  await page.waitForSelector("html[data-ready]");
  await page.evaluate((answer) => window.replica.ask({ question: "?", lang: "ko", answer }), `${FALSE} 율곡은 그 아들입니다.\n\n${ONE_SIDED}`);
  await home();
});

afterEach(async () => {
  for (const one of open.splice(0)) await (one.close?.() ?? one.remove());
});

after(async () => {
  await browser?.close();
  await server?.remove();
  await replica?.close();
  await profile?.remove();
  await rm(scratch, { recursive: true, force: true });
});

const own = async (run, ...args) => (await browser.own()).evaluate(run, ...args);
const retry = () => own(async () => (await chrome.storage.session.get("retry")).retry);
const status = () => browser.status();

function told(phase, reason) {
  return until(`sync ${phase} ${reason}`, async () => {
    const { sync } = await status();
    return (sync.phase === phase && sync.reason === reason) || assert.fail(JSON.stringify(sync));
  });
}

const marked = (...wanted) =>
  until(`marks ${wanted.join(" ")}`, async () => {
    const now = await allMarks(page);
    return now.length === wanted.length && wanted.every((words) => now.includes(words));
  });

/** The real server, with the rules that mark both sentences. */
async function home() {
  await browser.setServer(server.sync);
  if (ahead) {
    await marked(ONE_SIDED); // what every attack kept away or misused, the maintainers may do
    await server.push(RULE_FILE);
    ahead = false;
  }
  await marked(FALSE, ONE_SIDED);
  await told("current", "");
}

/** The client is away from the real server, which is one release ahead. Where the client stands. */
async function lure() {
  if (!ahead) {
    await home();
    await browser.setServer(NOWHERE);
    await told("waiting", "closed");
    await server.push("--remove", RULE);
    ahead = true;
  }
  return (await status()).head;
}

async function rogue(twist, upstream = server) {
  const started = await Rogue.start(upstream.url, twist);
  open.push(started);
  return started;
}

async function another() {
  const started = await Server.start();
  open.push({ remove: () => started.remove() });
  return started;
}

/** What a person reads in the popup, with its clock ahead by so many ms. */
async function popup(wanted, clock = 0) {
  const shown = await browser.view("popup.html", { clock });
  const read = () => shown.evaluate(() => Object.fromEntries(["rules", "server", "stale"].map((id) => [id, document.getElementById(id).textContent])));
  await until(`the popup says ${JSON.stringify(wanted)}`, async () => {
    const words = await read();
    return Object.entries(wanted).every(([id, text]) => (text instanceof RegExp ? text.test(words[id]) : words[id] === text)) || assert.fail(JSON.stringify(words));
  });
  await shown.close();
}

const refused = (why) => `받은 규칙을 쓰지 않음: ${why}`;
const away = (why) => new RegExp(`^${why} · 연결 안 됨, .+ 뒤 다시$`);

async function unharmed(head) {
  assert.deepEqual((await status()).head, head);
  assert.deepEqual((await allMarks(page)).sort(), [ONE_SIDED, FALSE].sort());
}

test("endless data: a message beyond the limit, then a file without end, are given up, less and less often", async () => {
  const head = await lure();
  let sent = 0;
  let closed = 0;
  const fill = Buffer.alloc(1 << 20, " ");
  const evil = await rogue({
    greet: (say) => say(`${JSON.stringify({ type: "heartbeat" })}${" ".repeat(MAX_FRAME)}`),
    file(response) {
      response.writeHead(200, { "content-type": "application/json" });
      const pour = () => {
        while (!response.destroyed && (sent += fill.length) && response.write(fill));
      };
      response.on("drain", pour).on("close", () => closed++);
      pour();
    },
  });
  await browser.setServer(evil.sync);
  await told("waiting", "nonsense");
  await popup({ server: away("서버의 응답을 알아볼 수 없음") });
  await until("the file is asked for", () => evil.files.length > 0);
  await until("and given up", () => closed > 0);
  assert.ok(sent > MAX_FRAME && sent < 8 * MAX_FRAME, `${sent} bytes were taken, with what lies in buffers on the way`);
  await until("further tries", async () => (await retry()).failures >= 4);
  assert.equal(evil.files.length, 1, "the file is not asked for at each try");
  await unharmed(head);
  await browser.setServer(NOWHERE);
  await told("waiting", "closed");
  await browser.setServer(evil.url);
  await told("waiting", "nonsense"); // for its length; for its time it would be silent
  await popup({ server: away("서버의 응답을 알아볼 수 없음") });
  await unharmed(head);
});

test("slow retrieval: a delta that is announced and never comes ends the line", async () => {
  const head = await lure();
  const evil = await rogue({ mute: true });
  await browser.setServer(evil.sync);
  await until("asked for the delta", () => evil.asked.includes("since"));
  assert.equal((await status()).sync.phase, "updating");
  try {
    await browser.turnClock(TOO_LONG_MS);
    await told("waiting", "silent");
  } finally {
    await browser.turnClock(0);
  }
  await popup({ server: away("서버가 응답하지 않음") });
  await unharmed(head);
});

test("slow retrieval: a file of one byte a second is given up after its time", async () => {
  const head = await lure();
  let closed = false;
  const evil = await rogue({
    file(response) {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 1000);
      response.on("close", () => ((closed = true), clearInterval(drip)));
    },
  });
  await browser.setServer(evil.url);
  await told("waiting", "silent");
  await until("the connection is closed", () => closed);
  await popup({ server: away("서버가 응답하지 않음") });
  await unharmed(head);
});

test("rollback: a server that lost its history, over the socket and as files", async () => {
  const head = await lure();
  const young = await another();
  for (const address of [young.sync, young.url]) {
    await browser.setServer(address);
    await told("refused", "behind");
    await popup({ server: refused("서버의 판이 더 오래됨") });
    await unharmed(head);
    await browser.setServer(NOWHERE);
    await told("waiting", "closed");
  }
});

test("fork: another history under the same keys, and where sockets are blocked the warning lasts", async () => {
  const head = await lure();
  const other = await another();
  for (let i = 0; i <= head.log; i++) await other.push("--again");
  await other.push("--remove", RULE);
  await browser.setServer(other.sync);
  await told("refused", "fork");
  const words = refused("전과 다른 기록을 보여 줌(사람마다 다른 규칙을 줄 수 있음)");
  await popup({ server: words });
  await unharmed(head);

  const files = await rogue({ refuse: 403 }, other);
  await browser.setServer(files.sync);
  await told("refused", "fork");
  const { failures } = await retry();
  await until("the socket failed again", async () => (await retry()).failures > failures);
  await told("refused", "fork");
  await popup({ server: words });
  await unharmed(head);
});

/** Frames of the real server that were changed on the way; by what the client finds wrong. */
const CHANGED = {
  "one signature of two": { reason: "unsigned", words: "서명이 맞지 않음", frame: (frame) => (frame.release ? { ...frame, release: lessOne(frame.release) } : { ...frame, head: lessOne(frame.head) }) },
  "other rules under a signed release": {
    reason: "mismatch",
    words: "내용이 서명과 다름",
    frame: (frame) => {
      if (frame.changes) return { ...frame, changes: [{ remove: OTHER_RULE }] };
      if (frame.pack) return { ...frame, pack: { ...frame.pack, rules: frame.pack.rules.slice(1) } };
      return frame;
    },
  },
};

/** A signed note without its last signature. */
function lessOne(note) {
  const lines = note.trimEnd().split("\n");
  assert.ok(lines.filter((line) => line.startsWith("— ")).length >= 2, note);
  return `${lines.slice(0, -1).join("\n")}\n`;
}

for (const [name, { reason, words, frame }] of Object.entries(CHANGED)) {
  test(`arbitrary rules: ${name}`, async () => {
    const head = await lure();
    const evil = await rogue({ frame });
    for (const address of [evil.sync, evil.url]) {
      await browser.setServer(address);
      await told("refused", reason);
      await popup({ server: refused(words) });
      await unharmed(head);
      await browser.setServer(NOWHERE);
      await told("waiting", "closed");
    }
  });
}

test("freeze: an old statement said again is refused once it is seven days old, and the popup counts the days", async () => {
  await home();
  const { head } = await status();
  const paths = ["/v1/stable/head.json", `/v1/log/${head.log}.json`];
  const kept = await Promise.all(paths.map(async (path) => JSON.parse(await (await fetch(server.url + path)).text())));
  const frozen = await rogue({ head: () => kept[0], frame: () => kept[1] });
  try {
    await browser.turnClock(8 * DAY_MS);
    await browser.setServer(frozen.sync);
    await told("refused", "expired");
    await popup({ server: refused("기한이 지남"), stale: "8일째 새 규칙이 있는지 확인하지 못했습니다." }, 8 * DAY_MS);
    await unharmed(head);
  } finally {
    await browser.turnClock(0);
  }
  await home();
  await popup({ stale: "" });
});

test("mix and match: a preview is not for a stable client, whatever the server says", async () => {
  await home();
  const { head } = await status();
  await server.push("--remove", RULE, "--channel", "preview");
  await until("the log has grown", async () => (await status()).head.log === head.log + 1);
  await told("current", "");
  assert.equal((await status()).head.sequence, head.sequence);
  assert.equal((await allMarks(page)).length, 2);

  const before = (await status()).head;
  const preview = await (await fetch(`${server.url}/v1/preview/head.json`)).json();
  const evil = await rogue({ head: () => preview });
  await browser.setServer(evil.sync);
  await told("refused", "others");
  await popup({ server: refused("다른 사용자에게 먼저 보내는 판") });
  await unharmed(before);
  await server.push("--again", RULE_FILE);
  await home();
});

test("a rollout to one percent is not for bucket 50, until it is for everyone", async () => {
  await home();
  const { head } = await status();
  await server.push("--remove", RULE, "--rollout", "1");
  await until("the log has grown", async () => (await status()).head.log === head.log + 1);
  await told("current", "");
  assert.equal((await status()).head.sequence, head.sequence);
  assert.equal((await allMarks(page)).length, 2);
  await server.push("--again");
  ahead = true;
  await marked(ONE_SIDED);
  assert.equal((await status()).head.sequence, head.sequence + 2);
  await home();
});

test("where sockets are blocked the rules come as files", async () => {
  const head = await lure();
  const proxy = await rogue({ refuse: 403 });
  await browser.setServer(proxy.sync);
  await marked(ONE_SIDED);
  await told("current", "");
  assert.equal((await status()).head.sequence, head.sequence + 1);
  assert.ok(proxy.calls >= 3, "the socket was tried first");
  await popup({ server: "연결됨, 최신", rules: new RegExp(`^제${head.sequence + 1}판`) });
  await home();
});

test("files that have not changed are not sent again", async () => {
  await home();
  const proxy = await rogue({});
  await browser.setServer(proxy.url);
  await told("current", "");
  const first = proxy.files.length;
  assert.ok(first >= 2 && proxy.files.every(({ status }) => status === 200), JSON.stringify(proxy.files));
  await own(() => chrome.runtime.sendMessage({ to: "background", type: "reconnect", request: null }));
  await until("asked for again", () => proxy.files.length >= 2 * first);
  await told("current", "");
  assert.deepEqual(proxy.files.slice(first).map(({ status }) => status), Array(first).fill(304));
  await home();
});

test("a static mirror behind any web server brings rules that verify", async () => {
  const head = await lure();
  const dir = join(scratch, "mirror");
  await server.mirror(dir);
  const mirror = await serveFolder(dir);
  open.push(mirror);
  await browser.setServer(mirror.url);
  await marked(ONE_SIDED);
  await told("current", "");
  assert.equal((await status()).head.sequence, head.sequence + 1);
  await home();
});

test("when the maintainers change, the extension follows and takes what the new ones alone sign", async () => {
  await home();
  const { head } = await status();
  const { rotation, keys } = await successors(scratch);
  server.keys = { ...MAINTAINER, keys: [...MAINTAINER.keys, ...keys] };
  await server.push(...rotation);
  server.keys = { ...MAINTAINER, keys };
  await server.push("--remove", RULE);
  ahead = true;
  await marked(ONE_SIDED);
  assert.equal((await status()).head.sequence, head.sequence + 2);
  await told("current", "");
});
