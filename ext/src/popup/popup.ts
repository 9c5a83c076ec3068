// SPDX-License-Identifier: Apache-2.0

/** The popup: is it on, what did it find here, and how fresh are its rules. */

import { GOOGLE } from "../background/optional";
import { askOwnBackground, askTab, type TabFindings } from "../messages";
import { openPage, part, rulesText, staleText } from "../page";
import { onChange, set } from "../settings";
import type { SyncState } from "../sync/client";
import { say, type Word } from "../words";

const REFRESH_MS = 1_000;

/** The tab the popup was opened over; the popup opened as a page is in none. */
async function openTab(): Promise<chrome.tabs.Tab | undefined> {
  return (await chrome.tabs.query({ active: true, currentWindow: true }))[0];
}

async function tabFindings(): Promise<TabFindings | undefined> {
  const tab = await openTab();
  if (tab?.id === undefined) return undefined;
  return askTab(tab.id, "findings", null).catch(() => undefined);
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

const REASONS: Record<string, Word> = {
  unsigned: "reasonUnsigned",
  fork: "reasonFork",
  log: "reasonLog",
  expired: "reasonExpired",
  rollback: "reasonRollback",
  mismatch: "reasonMismatch",
  behind: "reasonBehind",
  diverged: "reasonDiverged",
  others: "reasonOthers",
  "too-large": "reasonTooLarge",
  nonsense: "reasonNonsense",
  silent: "reasonSilent",
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
      return REASONS[reason] ? `${reasonText(reason)} · ${say("serverWaiting", waitText(next))}` : say("serverWaiting", waitText(next));
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

/** Opens the side panel; a browser without one shows it as a page. */
async function openPanel(): Promise<void> {
  const tab = await openTab();
  if (chrome.sidePanel && tab?.id !== undefined) await chrome.sidePanel.open({ tabId: tab.id });
  else if (sidebar) await sidebar.open();
  else await chrome.tabs.create({ url: chrome.runtime.getURL(`panel.html?tab=${tab?.id ?? ""}`) });
  window.close();
}

/** Firefox has a sidebar in place of the side panel. */
const sidebar = (chrome as { sidebarAction?: { open(): Promise<void> } }).sidebarAction;

async function main(): Promise<void> {
  const { on } = await openPage();
  part("version", "span").textContent = chrome.runtime.getManifest().version;
  part("on", "input").addEventListener("change", (event) => void set({ on: (event.currentTarget as HTMLInputElement).checked }));
  part("reconnect", "button").addEventListener("click", () => void askOwnBackground("reconnect", null).then(refresh));
  part("panel", "button").addEventListener("click", () => void openPanel());
  part("options", "button").addEventListener("click", () => void chrome.runtime.openOptionsPage());
  // At once: the browser asks the user only within the click itself.
  part("google", "button").addEventListener("click", () => void chrome.permissions.request(GOOGLE).then(offerGoogle));
  onChange(({ on }) => on !== undefined && showSwitch(on));
  showSwitch(on);
  void offerGoogle();
  await keepFresh();
}

void main();
