// SPDX-License-Identifier: Apache-2.0

/** The popup: is it on, what did it find here, and how fresh are its rules. */

import { GOOGLE } from "../background/optional";
import { askOwnBackground, askTab, type Status, type TabFindings } from "../messages";
import { onChange, set, settings } from "../settings";
import { STALE_MS, type SyncState } from "../sync/client";
import { say, uiLang, type Word } from "../words";

const REFRESH_MS = 1_000;
const DAY_MS = 86_400_000;

function part<K extends keyof HTMLElementTagNameMap>(id: string, _tag: K): HTMLElementTagNameMap[K] {
  return document.getElementById(id) as HTMLElementTagNameMap[K];
}

/** The tab the popup was opened over; the popup opened as a page is in none. */
async function openTab(): Promise<chrome.tabs.Tab | undefined> {
  return (await chrome.tabs.query({ active: true, currentWindow: true }))[0];
}

async function tabFindings(): Promise<TabFindings | undefined> {
  const tab = await openTab();
  if (tab?.id === undefined) return undefined;
  return askTab(tab.id, "findings").catch(() => undefined);
}

/** Google AI Mode is offered where it is, and only until it is allowed. */
async function offerGoogle(): Promise<void> {
  const tab = await openTab();
  const here = tab?.url?.startsWith("https://www.google.com/") ?? false;
  part("google", "button").hidden = !here || (await chrome.permissions.contains(GOOGLE));
}

function tabText(found: TabFindings | undefined): string {
  if (!found || found.site === "") return say("tabOther");
  if (found.lost) return say("tabLost");
  if (found.answers === 0) return say("tabEmpty");
  if (found.findings.length === 0) return say("tabClean");
  const distortions = found.findings.filter(({ verdict }) => verdict === "distortion").length;
  return say("tabFindings", distortions, found.findings.length - distortions);
}

function rulesText({ head }: Status): string {
  if (head.sequence === 0) return say("editionPackaged", head.rules);
  const days = Math.floor((Date.now() - Date.parse(head.created)) / DAY_MS);
  const age = Number.isNaN(days) ? "" : ` · ${days < 1 ? say("today") : say("daysAgo", days)}`;
  return say("edition", head.sequence, head.rules) + age;
}

/** A warning where someone may be hiding newer rules, or these have run out; empty else. */
function staleText({ head }: Status): string {
  const unchecked = Date.now() - Date.parse(head.checked);
  if (unchecked > STALE_MS) return say("rulesUnchecked", Math.floor(unchecked / DAY_MS));
  return Date.parse(head.expires) < Date.now() ? say("rulesExpired") : "";
}

const REASONS: Record<string, Word> = {
  unsigned: "reasonUnsigned",
  fork: "reasonFork",
  log: "reasonLog",
  expired: "reasonExpired",
  rollback: "reasonRollback",
  mismatch: "reasonMismatch",
  behind: "reasonBehind",
  diverged: "reasonDiverged",
  nonsense: "reasonNonsense",
};

function reasonText(reason: string): string {
  const word = REASONS[reason];
  return word ? say(word) : say("reasonOther", reason);
}

function waitText(next: number): string {
  const seconds = Math.max(1, Math.ceil((next - Date.now()) / 1000));
  return seconds < 90 ? say("seconds", seconds) : say("minutes", Math.ceil(seconds / 60));
}

function serverText({ phase, reason, next }: SyncState): string {
  switch (phase) {
    case "off":
      return say("serverOff");
    case "connecting":
      return say("serverConnecting");
    case "current":
      return say("serverCurrent");
    case "updating":
      return say("serverUpdating");
    case "refused":
      return say("serverRefused", reasonText(reason));
    case "waiting":
      return reason === "nonsense" ? `${reasonText(reason)} · ${say("serverWaiting", waitText(next))}` : say("serverWaiting", waitText(next));
    case "stopped":
      return say("serverStopped");
  }
}

async function refresh(): Promise<void> {
  const [found, status] = await Promise.all([tabFindings(), askOwnBackground("status", null).catch(() => undefined)]);
  const tab = part("tab", "p");
  tab.textContent = tabText(found);
  tab.classList.toggle("found", (found?.findings.length ?? 0) > 0);
  if (!status) return;
  part("rules", "dd").textContent = rulesText(status);
  part("stale", "p").textContent = staleText(status);
  part("server", "span").textContent = serverText(status.sync);
  part("reconnect", "button").hidden = status.sync.phase !== "waiting" && status.sync.phase !== "stopped";
  part("model", "dd").textContent = status.engine ? status.engine.model || say("noModel") : say("engineOut");
}

async function keepFresh(): Promise<void> {
  await refresh();
  setTimeout(() => void keepFresh(), REFRESH_MS); // after the last one ended: they never pile up
}

function showSwitch(on: boolean): void {
  part("on", "input").checked = on;
  part("on-label", "span").textContent = say(on ? "on" : "off");
}

document.documentElement.lang = uiLang();
const labels: [string, Word][] = [
  ["name", "name"],
  ["rules-label", "rules"],
  ["server-label", "server"],
  ["model-label", "model"],
  ["reconnect", "reconnect"],
  ["google", "allowGoogle"],
  ["privacy", "privacy"],
];
for (const [id, word] of labels) part(id, "span").textContent = say(word);
part("version", "span").textContent = chrome.runtime.getManifest().version;
part("on", "input").setAttribute("aria-label", say("switch"));
part("on", "input").addEventListener("change", (event) => void set({ on: (event.currentTarget as HTMLInputElement).checked }));
part("reconnect", "button").addEventListener("click", () => void askOwnBackground("reconnect", null).then(refresh));
// At once: the browser asks the user only within the click itself.
part("google", "button").addEventListener("click", () => void chrome.permissions.request(GOOGLE).then(offerGoogle));
onChange(({ on }) => on !== undefined && showSwitch(on));
void settings().then(({ on }) => showSwitch(on));
void keepFresh();
void offerGoogle();
