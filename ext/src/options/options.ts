// SPDX-License-Identifier: Apache-2.0

/** The options page. Every change takes effect at once, in every open tab. */

import { TIERS } from "../content/overlay/card";
import { el } from "../content/overlay/elements";
import type { Tier } from "../engine/abi";
import { askOwnBackground } from "../messages";
import { Cards, dateText, openPage, part, rulesText, timeText } from "../page";
import { json, rows } from "../panel/export";
import { download } from "../panel/download";
import { DEFAULT_SERVER, LOWEST_SCORE, onChange, set, type Sensitivity, type Settings } from "../settings";
import { Findings } from "../store/findings";
import { say, type Language, type Word } from "../words";
import { serverAddress } from "./address";
import { showReports } from "./sent";
import { siteNames } from "./sites";

const LANGUAGES: [Language, string][] = [
  ["auto", ""],
  ["ko", "한국어"],
  ["en", "English"],
  ["ja", "日本語"],
  ["zh", "中文（简体）"],
];
const KEEP_DAYS: [number, Word][] = [[0, "optKeepNothing"], [1, "oneDay"], [7, "days"], [30, "days"]];
const KILOBYTE = 1024;

const findings = new Findings();

/** A checkbox or radio button with its label and an explanation. */
function choice(input: HTMLInputElement, title: string, note: string): HTMLLabelElement {
  const words = el("span", {}, el("span", {}, title));
  if (note !== "") words.append(el("span", { class: "note" }, note));
  return el("label", { class: "choice" }, input, words);
}

function radio<V extends string>(name: string, value: V, checked: boolean, pick: (value: V) => void): HTMLInputElement {
  const input = el("input", { type: "radio", name, value });
  input.checked = checked;
  input.addEventListener("change", () => input.checked && pick(value));
  return input;
}

function checkbox(checked: boolean, change: (checked: boolean) => void): HTMLInputElement {
  const input = el("input", { type: "checkbox" });
  input.checked = checked;
  input.addEventListener("change", () => change(input.checked));
  return input;
}

function showLanguage({ language }: Settings): void {
  const select = part("language", "select");
  for (const [value, name] of LANGUAGES) select.append(new Option(name || say("optAuto"), value, false, value === language));
  select.addEventListener("change", () => void set({ language: select.value as Language }));
}

function showTiers(now: Settings): void {
  const notes: Record<Tier, Word> = { A: "optTierA", B: "optTierB", C: "optTierC" };
  const wanted = new Set(now.tiers);
  const items = (["A", "B", "C"] as const).map((tier) => {
    const input = checkbox(wanted.has(tier), (on) => {
      if (on) wanted.add(tier);
      else wanted.delete(tier);
      void set({ tiers: [...wanted].sort().join("") });
    });
    input.id = `tier-${tier}`;
    return el("li", {}, choice(input, `${tier} · ${say(TIERS[tier])}`, say(notes[tier])));
  });
  part("tiers", "ul").append(...items);
}

function showSensitivity(now: Settings): void {
  const steps: [Sensitivity, Word, Word][] = [
    ["all", "optAll", "optAllNote"],
    ["sure", "optSure", "optSureNote"],
    ["surest", "optSurest", "optSurestNote"],
  ];
  for (const [step, title, note] of steps) {
    const input = radio("sensitivity", step, now.sensitivity === step, (sensitivity) => void set({ sensitivity }));
    part("sensitivity", "div").append(choice(input, say(title), say(note, LOWEST_SCORE[step])));
  }
}

function showSites(now: Settings): void {
  const off = new Set(now.sitesOff);
  const matches = chrome.runtime.getManifest().content_scripts?.flatMap(({ matches }) => matches ?? []) ?? [];
  const items = siteNames(matches).map((host) => {
    const input = checkbox(!off.has(host), (on) => {
      if (on) off.delete(host);
      else off.add(host);
      void set({ sitesOff: [...off].sort() });
    });
    input.dataset["host"] = host;
    return el("li", {}, choice(input, host, ""));
  });
  part("sites", "ul").append(...items);
}

function showServer(now: Settings): void {
  const input = part("server", "input");
  const said = part("server-said", "p");
  input.value = now.server;
  const save = (text: string): void => {
    const address = serverAddress(text);
    input.setAttribute("aria-invalid", String(address === undefined));
    said.classList.toggle("wrong", address === undefined);
    said.textContent = say(address === undefined ? "optServerWrong" : "saved");
    if (address === undefined) return input.focus();
    input.value = address;
    void set({ server: address });
  };
  part("server-form", "form").addEventListener("submit", (event) => {
    event.preventDefault();
    save(input.value);
  });
  part("server-reset", "button").addEventListener("click", () => save(DEFAULT_SERVER));
  const channels: [Settings["channel"], Word, Word][] = [
    ["stable", "optStable", "optStableNote"],
    ["preview", "optPreview", "optPreviewNote"],
  ];
  for (const [channel, title, note] of channels) {
    const button = radio("channel", channel, now.channel === channel, (picked) => void set({ channel: picked }));
    part("channel", "div").append(choice(button, say(title), say(note)));
  }
}

async function showKept(): Promise<void> {
  const all = await findings.all().catch(() => []); // a store that cannot be opened holds nothing
  const size = Math.ceil(new Blob([JSON.stringify(all)]).size / KILOBYTE);
  part("kept", "p").textContent = say("optKept", all.length, size);
}

function showStorage(now: Settings): void {
  const keep = part("keep", "select");
  for (const [days, word] of KEEP_DAYS) keep.append(new Option(say(word, days), String(days), false, days === now.keepDays));
  const said = part("storage-said", "p");
  keep.addEventListener("change", async () => {
    const keepDays = Number(keep.value);
    await set({ keepDays });
    await findings.prune(Date.now(), keepDays);
    await showKept(); // at once; what the background does is heard of
  });
  part("export", "button").addEventListener("click", async () => {
    const kept = await rows(await findings.all(), new Cards());
    download("haechi-findings.json", "application/json", json(kept));
  });
  const sure = part("sure", "dialog");
  part("delete", "button").addEventListener("click", () => sure.showModal());
  sure.addEventListener("close", async () => {
    if (sure.returnValue !== "yes") return;
    await findings.clear();
    await showKept();
    said.textContent = say("optDeleted");
  });
  const restore = part("restore", "button");
  const showDismissed = (count: number): void => {
    restore.textContent = say("optRestore", count);
    restore.hidden = count === 0;
  };
  showDismissed(Object.keys(now.dismissed).length);
  onChange(({ dismissed }) => dismissed && showDismissed(Object.keys(dismissed).length));
  restore.addEventListener("click", async () => {
    await set({ dismissed: {} });
    said.textContent = say("optRestored");
    keep.focus(); // the button that had the focus is gone
  });
  Findings.onChange(() => void showKept());
  void showKept();
}

async function showAbout(): Promise<void> {
  const status = await askOwnBackground("status", null);
  const { head, engine } = status;
  const created = Date.parse(head.created);
  const facts: [Word, string][] = [
    ["version", chrome.runtime.getManifest().version],
    ["rules", rulesText(status)],
    ["aboutCreated", Number.isNaN(created) ? say("packagedLong") : dateText(created)],
    ["aboutHash", head.hash.slice(0, 16)],
    ["model", engine ? engine.model || say("noModel") : say("engineOut")],
    ...(head.checked ? ([["aboutLog", say("aboutLogSize", head.log)], ["aboutChecked", timeText(Date.parse(head.checked))]] satisfies [Word, string][]) : []),
  ];
  part("about", "dl").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, say(name)), el("dd", {}, value)]));
}

async function main(): Promise<void> {
  const now = await openPage();
  showLanguage(now);
  showTiers(now);
  showSensitivity(now);
  showSites(now);
  showServer(now);
  showStorage(now);
  void showReports();
  onChange(({ rules }) => rules !== undefined && void showAbout());
  await showAbout();
}

void main();
