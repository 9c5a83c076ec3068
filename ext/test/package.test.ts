// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { GOOGLE } from "../src/background/optional";
import type { Site } from "../src/engine/abi";
import { list, read } from "./top";

const LOCALES = list("ext/_locales", "");
const words = (locale: string): Record<string, { message: string }> =>
  JSON.parse(read("ext/_locales", locale, "messages.json")) as Record<string, { message: string }>;

test("every language has every message, with the same values in it", () => {
  const values = (text: string): string[] => [...text.matchAll(/\$\d/g)].map(String).sort();
  const korean = words("ko");
  for (const locale of LOCALES) {
    const other = words(locale);
    assert.deepEqual(Object.keys(other), Object.keys(korean), locale);
    for (const [key, { message }] of Object.entries(other)) {
      assert.ok(message.trim(), `${locale} ${key}`);
      assert.deepEqual(values(message), values(korean[key]?.message ?? ""), `${locale} ${key}`);
    }
  }
});

test("the store takes the name and description", () => {
  for (const locale of LOCALES) {
    const { name, description } = words(locale);
    assert.ok(name && name.message.length <= 75);
    assert.ok(description && description.message.length <= 132, locale);
  }
});

test("the package asks for no more than it needs", () => {
  const manifest = JSON.parse(read("manifest.json")) as Record<string, unknown>;
  assert.deepEqual(manifest["permissions"], ["activeTab", "alarms", "contextMenus", "offscreen", "scripting", "sidePanel", "storage"]);
  assert.deepEqual(manifest["host_permissions"], ["http://127.0.0.1:8787/*"]);
  assert.deepEqual(manifest["optional_host_permissions"], GOOGLE.origins);
  assert.equal(manifest["default_locale"], "ko");
  assert.equal(manifest["externally_connectable"], undefined);
  assert.equal(manifest["web_accessible_resources"], undefined);
});

test("the package reads exactly the addresses of its sites, and Google only where it is allowed", () => {
  const manifest = JSON.parse(read("manifest.json")) as { content_scripts: [{ matches: string[] }] };
  const sites = list("rules/sites", ".json").map((name) => JSON.parse(read("rules/sites", name)) as Site);
  const [optional, fixed] = [true, false].map((google) => sites.flatMap(({ matches }) => matches).filter((match) => match.startsWith("https://www.google.com/") === google).sort());
  assert.deepEqual([...manifest.content_scripts[0].matches].sort(), fixed);
  assert.deepEqual(optional, ["https://www.google.com/search?*udm=50*"]);
});

test("the build for Firefox has an event page, asks for nothing more, and says that it collects nothing", () => {
  const source = JSON.parse(read("manifest.json")) as Record<string, unknown>;
  const built = JSON.parse(read("dist/firefox/manifest.json")) as Record<string, unknown>;
  const { background, permissions, sidebar_action: sidebar, browser_specific_settings: settings, ...same } = built;
  assert.deepEqual(background, { scripts: ["background.js"] });
  assert.deepEqual(permissions, (source["permissions"] as string[]).filter((permission) => permission !== "offscreen" && permission !== "sidePanel"));
  assert.deepEqual((settings as { gecko: object }).gecko, {
    id: "haechi@haechi.example",
    strict_min_version: "140.0",
    data_collection_permissions: { required: ["none"] },
  });
  assert.equal((sidebar as { default_panel: string }).default_panel, (source["side_panel"] as { default_path: string }).default_path);
  for (const key of ["background", "permissions", "side_panel", "minimum_chrome_version"]) delete source[key];
  assert.deepEqual(same, source);
});
