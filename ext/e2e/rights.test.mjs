// SPDX-License-Identifier: Apache-2.0

/**
 * What maintainers and admins do at the review desk, in a real Chromium against
 * the real server: sign published sentences off for the publish gate, see how
 * rules fare, read and verify the audit log, make access tokens. HAECHI_SHOTS
 * names a folder for pictures of the pages.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Desk, haechi, shot, text } from "./desk.mjs";
import { newProfile } from "./profile.mjs";
import { Provider } from "./provider.mjs";

/** Sentence, and the key of the verdict that both reviewers give. */
const CASES = [
  ["김치는 쓰촨의 절임에서 나온 음식이라고 널리 알려져 있습니다.", "1"],
  ["급식에 나온 김치는 중국에서 들여온 완제품이었습니다.", "4"],
  ["김치라고 부르는 것은 모두 파오차이라고 hong@example.org 님이 알려 왔습니다.", "4"],
];

let desk, provider, secrets;

before(async () => {
  secrets = await newProfile();
  provider = await Provider.start();
  const secret = join(secrets.dir, "oidc.secret");
  await writeFile(secret, `${Provider.client.secret}\n`);
  desk = await Desk.start(["--oidc-issuer", provider.url, "--oidc-client-id", Provider.client.id, "--oidc-client-secret-file", secret, "--oidc-name", "한강고"]);
  for (const [sentence] of CASES) {
    await desk.report({ excerpt: sentence, sentence, question: "김치는 어디에서 왔어?", site: "chatgpt", language: "ko", rule: "kimchi-origin-china", verdict: "distortion", score: 0.9 });
  }
});

after(async () => {
  await desk?.close();
  await provider?.stop();
  await secrets?.remove();
});

const go = (page, act) => Promise.all([page.waitForNavigation(), act()]);
const corpus = async () => (await (await fetch(`${desk.server.url}/v1/corpus.jsonl`)).text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));

/** Fetches as the page does, with the cookies of whoever is signed in. */
const fetched = (page, path) => page.evaluate(async (at) => (await fetch(at)).text(), path);

test("published judgements wait for a maintainer, and only what he signs off joins the corpus", async () => {
  for (const name of ["ann", "bob"]) {
    const page = await desk.person(name, "reviewer");
    await desk.open(page, "/review/next");
    for (let i = 0; i < CASES.length; i++) {
      const sentence = await text(page, "#sentence [lang]");
      const [, key] = CASES.find(([known]) => known === sentence);
      if (key === "1") await page.keyboard.press("q");
      await go(page, () => page.keyboard.press(key));
    }
    assert.match(page.url(), /empty=judge/);
    await page.close();
  }
  const max = await desk.person("max", "maintainer");
  await desk.open(max, "/review/ready");
  for (let i = 0; i < CASES.length; i++) await go(max, () => max.click("form[action$=publish] button.main"));
  assert.deepEqual(await corpus(), []);
  await desk.open(max, "/review/corpus");
  assert.equal(await text(max, "nav a[href='/review/corpus'] .count"), String(CASES.length));
  await shot(max, "corpus");
  assert.match(await text(max, "main"), /\[email\] 님이/, "the sentence is shown as it will be used");
  assert.doesNotMatch(await text(max, "main"), /hong@/);

  // By keyboard alone: the first is signed off as it is proposed.
  await max.focus("form[action$='sign-off'] button");
  await go(max, () => max.keyboard.press("Enter"));
  assert.match(await text(max, ".flash"), /승인/);
  // The second under another kind.
  await max.select("form[action$='sign-off'] select[name=kind]", "unrelated/origin-label");
  await go(max, () => max.click("form[action$='sign-off'] button"));
  // The third not, since it tells who somebody is.
  await max.type("form[action$=decline] input[name=note]", "사람을 알 수 있음");
  await go(max, () => max.click("form[action$=decline] button"));
  const signed = await corpus();
  assert.deepEqual(signed.map((entry) => [entry.text, entry.expect, entry.label, entry.kind]).sort(), [
    [CASES[1][0], "pass", "unrelated", "origin-label"],
    [CASES[0][0], "flag", "asserts", "assertion"],
  ].sort());
  assert.ok(signed.every((entry) => entry.topic === "kimchi-origin-china" && entry.question === "김치는 어디에서 왔어?"));
  await desk.open(max, "/review/corpus?stage=taken");
  await shot(max, "corpus-taken");

  // People overruled the rule twice of three; the count leads to the cases.
  await desk.open(max, "/review/rules");
  await shot(max, "rules");
  assert.match(await text(max, "tbody tr"), /33 % \(6–79\)/);
  await go(max, () => max.click("tbody a[href*='outcome=accurate']"));
  assert.equal((await max.$$(".cases li")).length, 2);
  assert.deepEqual(max.broken, []);
  await max.close();
});

test("the audit log is verified on the page and by the command", async () => {
  const admin = await desk.person("adm", "admin");
  await desk.open(admin, "/review/audit");
  await shot(admin, "audit");
  const head = await text(admin, "section.box code");
  await go(admin, () => admin.click("a[href='/review/audit?check=1']"));
  assert.match(await text(admin, ".flash"), /모두 온전합니다/);
  const log = await fetched(admin, "/review/audit.jsonl");
  for (const act of ["invited", "account-made", "judged", "published", "signed-off", "declined", "exported"]) assert.match(log, new RegExp(`"action":"${act}"`));
  assert.doesNotMatch(log, /ann|김치|hong|사람을/, "the log holds a name or a text");
  const file = join(desk.server.data, "audit.jsonl");
  await writeFile(file, log);
  const { stdout } = await haechi("log", "verify", "--audit", file, "--head", head);
  assert.match(stdout, /entries, none changed/);
  await writeFile(file, log.replace('"action":"published"', '"action":"withdrawn"'));
  await assert.rejects(haechi("log", "verify", "--audit", file), /line \d+: /);
  await admin.close();
});

test("a token opens what its role may, until it is revoked", async () => {
  const page = await desk.person("tom", "maintainer");
  await desk.open(page, "/review/me");
  await page.click("summary");
  await page.type("#label", "수업 스크립트");
  await page.select("#token-role", "viewer");
  await go(page, () => page.click("form[action$='/token'] button"));
  const secret = await page.$eval("#secret", (field) => field.value);
  await shot(page, "token");
  const ask = (path) => fetch(desk.server.url + path, { headers: { authorization: `Bearer ${secret}` } });
  assert.deepEqual(await (await ask("/v1/review/me")).json(), { pseudonym: await text(page, "main p strong + *, main p.soft strong"), role: "viewer" });
  assert.equal((await ask("/v1/review/rules")).status, 403);
  await desk.open(page, "/review/me");
  assert.equal(await page.$("#secret"), null);
  await go(page, () => page.click("form[action$=revoke] button"));
  assert.equal((await ask("/v1/review/me")).status, 401);
  await page.close();
});

/** Says yes at the provider, and waits until the desk is back. */
async function say(page, path) {
  await page.waitForSelector("#yes");
  assert.ok(page.url().startsWith(provider.url), page.url());
  await page.click("#yes");
  await page.waitForFunction((to) => location.pathname === to, {}, path);
  await page.waitForSelector("main h1");
}

test("people come in through the school's provider, as a browser treats another site's links", async () => {
  provider.account = { sub: "s-1", preferred_username: "선생님", email: "teacher@school.example", email_verified: true };
  const page = await desk.window();
  // Nobody invited her: the provider's word is not enough.
  await desk.open(page, "/review/sign-in");
  await shot(page, "sign-in-provider");
  await go(page, () => page.click("a[href^='/review/oidc/start']"));
  await say(page, "/review/oidc/callback");
  assert.match(await text(page, "main"), /초대받지 않았습니다/);
  // With an invitation she makes her account without a password, and is in.
  await page.goto(await desk.invitation("reviewer"));
  await shot(page, "join-provider");
  await go(page, () => page.click("a[href^='/review/oidc/start']"));
  await say(page, "/review/guide");
  await desk.open(page, "/review/me");
  assert.match(await text(page, "main"), /선생님/);
  assert.equal(await page.$("#old"), null, "there is no password to change");
  // The next time the provider is enough, and leads to where she wanted to go.
  await go(page, () => page.click("#sign-out button"));
  await desk.open(page, "/review/import");
  await go(page, () => page.click("a[href^='/review/oidc/start']"));
  await say(page, "/review/import");
  await page.close();

  // An admin connects her account, which no invitation by e-mail would reach.
  provider.account = { sub: "s-2", email: "head@school.example", email_verified: true };
  const admin = await desk.person("head", "admin");
  await desk.open(admin, "/review/me");
  await admin.click("form[action$=connect] button");
  await say(admin, "/review/me");
  assert.match(await text(admin, "main"), /연결되어 있습니다/);
  await go(admin, () => admin.click("#sign-out button"));
  await go(admin, () => admin.click("a[href^='/review/oidc/start']"));
  await say(admin, "/review");
  await desk.open(admin, "/review/people");
  assert.equal(await text(admin, "title"), "사람과 권한 · 해치 검토");
  assert.deepEqual(admin.broken, []);
  await admin.close();
});

test("these pages are accessible and fit a phone, light and dark", async () => {
  const admin = await desk.person("boss", "admin");
  await desk.open(admin, "/review/me");
  await admin.click("summary");
  await admin.type("#label", "스크립트");
  await go(admin, () => admin.click("form[action$='/token'] button"));
  const pages = { waiting: "/review/corpus", taken: "/review/corpus?stage=taken", declined: "/review/corpus?stage=declined", rules: "/review/rules", audit: "/review/audit?check=1", people: "/review/people", me: "/review/me", overruled: "/review?outcome=accurate" };
  for (const [width, height, scheme, lang] of [[1280, 900, "light", "ko"], [360, 740, "dark", "ko"], [360, 740, "light", "en"]]) {
    await admin.setViewport({ width, height });
    await admin.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    if (lang === "en") {
      await desk.open(admin, "/review");
      await go(admin, () => admin.click("button[name=lang]"));
    }
    for (const [name, path] of Object.entries(pages)) {
      await desk.open(admin, path);
      const what = `${name}-${width}-${scheme}-${lang}`;
      await shot(admin, what);
      await desk.check(admin, what);
    }
  }
  assert.deepEqual(admin.broken, []);
  await admin.close();
});
