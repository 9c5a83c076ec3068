// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { unzipSync } from "fflate";
import { archive, filesIn, programsIn } from "../release/archive.mjs";
import { complaints } from "../release/limits.mjs";
import { at, list, read } from "./top";

const folders: string[] = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A folder with these files, written in this order. */
function folderOf(files: [string, string][]): string {
  const folder = mkdtempSync(join(tmpdir(), "haechi-release-"));
  folders.push(folder);
  for (const [name, text] of files) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const FILES: [string, string][] = [
  ["manifest.json", JSON.stringify({ version: "1.2.3" })],
  ["a/b.txt", "가나다 ".repeat(5_000)],
  ["a.txt", ""],
  ["build.sh", "#!/bin/sh\n"],
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("the same files make the same bytes, whatever their order, age and modes", async () => {
  const one = folderOf(FILES);
  const two = folderOf([...FILES].reverse());
  for (const [name] of FILES) utimesSync(join(two, name), 1_000_000_000, 1_000_000_000);
  chmodSync(join(two, "a.txt"), 0o755);
  assert.equal(hex(archive(await filesIn(one))), hex(archive(await filesIn(two))));
});

test("the same files make the same bytes in every time zone", () => {
  const folder = folderOf(FILES);
  const made = ["Asia/Seoul", "America/Los_Angeles"].map((TZ, i) => {
    const out = join(folder, "..", `${folder.split("/").pop()}-${i}`);
    folders.push(out);
    execFileSync(process.execPath, [at("ext/release.mjs"), "source", folder, out], { env: { ...process.env, TZ } });
    return execFileSync(process.execPath, [at("ext/release.mjs"), "sums", out], { encoding: "utf8" });
  });
  assert.match(made[0] ?? "", /^[0-9a-f]{64} {2}haechi-1\.2\.3-source\.zip\n$/);
  assert.equal(made[0], made[1]);
});

test("a changed, renamed or added file changes the bytes", async () => {
  const usual = hex(archive(await filesIn(folderOf(FILES))));
  const others: [string, string][][] = [
    FILES.map(([name, text]) => [name, name === "a/b.txt" ? text.replace("나", "너") : text]),
    FILES.map(([name, text]) => [name === "a.txt" ? "c.txt" : name, text]),
    [...FILES, ["d.txt", ""]],
  ];
  for (const other of others) assert.notEqual(hex(archive(await filesIn(folderOf(other)))), usual);
});

test("what is unpacked is what was packed, and programs stay programs", async () => {
  const folder = folderOf(FILES);
  chmodSync(join(folder, "build.sh"), 0o755);
  const files = await filesIn(folder);
  const programs = await programsIn(folder, Object.keys(files));
  assert.deepEqual([...programs], ["build.sh"]);
  const unpacked = unzipSync(archive(files, programs));
  assert.deepEqual(Object.keys(unpacked), ["a.txt", "a/b.txt", "build.sh", "manifest.json"]);
  for (const [name, text] of FILES) assert.equal(new TextDecoder().decode(unpacked[name]), text);
  assert.notEqual(hex(archive(files, programs)), hex(archive(files)));
});

test("an empty folder is a mistake", async () => {
  await assert.rejects(filesIn(folderOf([])), /no files/);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const built = (store: "chrome" | "firefox") => filesIn(at(`dist/${store}`));

test("both stores take what is built", async () => {
  assert.deepEqual(complaints("chrome", await built("chrome"), 1), []);
  assert.deepEqual(complaints("firefox", await built("firefox"), 1), []);
});

test("what a store would refuse is named", async () => {
  const files = await built("firefox");
  const manifest = JSON.parse(read("dist/firefox/manifest.json")) as Record<string, unknown>;
  const words = JSON.parse(read("dist/firefox/_locales/ja/messages.json")) as Record<string, { message: string }>;
  const withManifest = (change: object): Record<string, Uint8Array> => ({ ...files, "manifest.json": bytes(JSON.stringify({ ...manifest, ...change })) });
  const without = (name: string): Record<string, Uint8Array> => Object.fromEntries(Object.entries(files).filter(([other]) => other !== name));
  const cases: [Record<string, Uint8Array>, RegExp][] = [
    [withManifest({ version: "1.02" }), /^version 1\.02 must/],
    [withManifest({ version: "0.0" }), /^version 0\.0 must/],
    [withManifest({ version: "1.70000" }), /^version 1\.70000 must/],
    [withManifest({ version: "1.2.3.4.5" }), /^version 1\.2\.3\.4\.5 must/],
    [withManifest({ update_url: "https://haechi.example/" }), /^update_url must not/],
    [withManifest({ icons: { 16: "icons/16.png" } }), /^icons must/],
    [withManifest({ browser_specific_settings: { gecko: { id: "haechi@haechi.example", strict_min_version: "140.0" } } }), /data_collection_permissions must/],
    [{ ...files, "_locales/ja/messages.json": bytes(JSON.stringify({ ...words, description: { message: "文".repeat(133) } })) }, /^description in ja has 133 characters; 1 to 132/],
    [{ ...files, "_locales/ja/messages.json": bytes(JSON.stringify({ ...words, commandFindings: undefined })) }, /^ja does not say commandFindings$/],
    [without("popup.html"), /^manifest\.json names popup\.html/],
    [without("trust.json"), /^trust\.json, the maintainers' root/],
    [{ ...files, "trust.json": bytes(JSON.stringify({ version: 1, threshold: 1, keys: ["a", "b"] })) }, /threshold of at least 2/],
    [{ ...files, "maintainer.key": bytes("x") }, /^maintainer\.key does not belong/],
    [{ ...files, ".DS_Store": bytes("x") }, /^\.DS_Store does not belong/],
  ];
  for (const [changed, wanted] of cases) {
    const found = complaints("firefox", changed, 1);
    assert.equal(found.length, 1, `${String(wanted)}: ${found.join("; ")}`);
    assert.match(found[0] ?? "", wanted);
  }
  assert.match(complaints("firefox", files, 201 << 20).join(), /^the archive has 210763776 bytes; 209715200 are allowed$/);
  assert.deepEqual(complaints("chrome", await built("chrome"), 201 << 20), []);
});

test("the texts for the stores are in every language of the extension, fit, and name no site", () => {
  const locales = list("ext/_locales", "").sort();
  assert.deepEqual(list("ext/store/listing", ".txt").map((name) => name.replace(".txt", "")).sort(), locales);
  const sites = list("rules/sites", ".json").flatMap((name) => name.replace(".json", "").split("-")).filter((word) => !["ai", "mode"].includes(word));
  for (const locale of locales) {
    const long = read("ext/store/listing", `${locale}.txt`);
    const { description } = JSON.parse(read("ext/_locales", locale, "messages.json")) as Record<string, { message: string }>;
    assert.ok(long.trim().length > 300 && long.length <= 16_000, locale);
    for (const site of sites) assert.ok(!`${long} ${description?.message}`.toLowerCase().includes(site), `${locale} names ${site}`);
  }
});

test("the privacy policy speaks every language, Korean first", () => {
  const heads = [...read("ext/store/PRIVACY.md").matchAll(/^## (.+)$/gm)].map(([, head]) => head);
  assert.deepEqual(heads, ["한국어", "English", "日本語", "中文"]);
});
