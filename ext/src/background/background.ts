// SPDX-License-Identifier: Apache-2.0

/**
 * The background: routes checks to the engine, keeps the rules in sync, counts
 * on the icon. It is a service worker in Chrome and an event page in Firefox.
 * Both end it at will, so it holds nothing that is not stored, and every
 * listener is added while the script first runs, else the browser would not
 * wake it for that event.
 */

import type { Checked } from "../engine/abi";
import type { Engine } from "../engine/engine";
import { OffscreenEngine } from "../engine/offscreen";
import { packagedEngine } from "../engine/packaged";
import { askTab, dispatch, isEnvelope, isOwn, type Handlers, type OwnRequests, type PageRequests } from "../messages";
import { onChange, settings } from "../settings";
import { Findings, isFound } from "../store/findings";
import { showCount, showLost } from "./badge";
import { dismiss, restore } from "./dismissals";
import { registerOptional } from "./optional";
import { openReport } from "./report";
import { checkSelection, offerSelection, SELECTION } from "./selection";
import { ALARM, announce, rulesHead, syncClient } from "./sync";

/** Which browser this is built for; build.mjs says it. */
declare const TARGET: "chrome" | "firefox";

/** An event page is a document and may hold the Worker itself; a service worker needs another for that. */
const engine: Engine = TARGET === "firefox" ? packagedEngine() : new OffscreenEngine();
const sync = syncClient(engine);
const findings = new Findings();

/**
 * An engine that could not read the stored rules works with the packaged ones.
 * Pages must hear of that, else they would keep what those judged, and the
 * server must be asked again, since it was told of rules that are lost.
 */
async function noticeLoss(checked: Checked): Promise<void> {
  if (checked.sequence > 0 || (await settings()).rules === checked.rules) return;
  await announce(engine, (await engine.state()).head);
  await sync.reconnect();
}

const forPages: Handlers<PageRequests> = {
  async check(request) {
    const checked = await engine.check(request);
    await noticeLoss(checked);
    return checked;
  },
  card: (request) => engine.card(request),
  async count(count, sender) {
    if (sender.tab?.id !== undefined) await showCount(sender.tab.id, count);
    return null;
  },
  async health({ lost }, sender) {
    if (sender.tab?.id !== undefined) await showLost(sender.tab.id, lost);
    return null;
  },
  async found(found, { tab, url }) {
    // A private window leaves nothing behind, whatever its content script says.
    if (!tab || tab.incognito || url === undefined || !Array.isArray(found)) return null;
    await findings.add(found.filter(isFound), new URL(url).hostname, Date.now(), (await settings()).keepDays);
    return null;
  },
  async dismiss(dismissal, { tab }) {
    if (!tab?.incognito) await dismiss(dismissal);
    return null;
  },
  async restore(dismissal) {
    await restore(dismissal);
    return null;
  },
  async report(request, { tab }) {
    await openReport(request, tab);
    return null;
  },
};

const forOwn: Handlers<OwnRequests> = {
  async status() {
    const state = await engine.state().catch(() => null);
    return { head: state?.head ?? (await rulesHead(engine)), engine: state, sync: sync.current() };
  },
  async reconnect() {
    await sync.reconnect();
    return null;
  },
};

chrome.runtime.onMessage.addListener((message: unknown, sender, respond) => {
  if (!isEnvelope(message, "background") || sender.id !== chrome.runtime.id) return false;
  const answer = dispatch(forPages, message, sender) ?? (isOwn(sender) ? dispatch(forOwn, message, sender) : undefined);
  if (!answer) return false;
  void answer.then(respond);
  return true; // the answer comes later
});

chrome.alarms.onAlarm.addListener((alarm) => {
  if (alarm.name === ALARM) void sync.wake();
});

chrome.commands.onCommand.addListener((command, tab) => {
  if (tab?.id === undefined) return;
  if (command === "findings") askTab(tab.id, "list", null).catch(() => undefined);
  if (command === SELECTION) void checkSelection(tab.id);
});

chrome.contextMenus.onClicked.addListener(({ menuItemId, frameId }, tab) => {
  if (menuItemId === SELECTION && tab?.id !== undefined) void checkSelection(tab.id, frameId);
});

chrome.permissions.onAdded.addListener(() => void registerOptional());
chrome.permissions.onRemoved.addListener(() => void registerOptional());

onChange((change) => {
  if (change.server !== undefined || change.channel !== undefined) void sync.reconnect();
  if (change.keepDays !== undefined) void findings.prune(Date.now(), change.keepDays);
});

// Any of these may be why the worker runs; the top level covers all of them.
chrome.runtime.onStartup.addListener(() => undefined);
chrome.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") void chrome.tabs.create({ url: chrome.runtime.getURL("welcome.html") });
  offerSelection();
  void registerOptional(); // an update drops what was registered
});

// One that lives through the worker's death, whatever ended it.
void chrome.alarms.get(ALARM).then((alarm) => {
  if (!alarm) void chrome.alarms.create(ALARM, { periodInMinutes: 1 });
});
// The worker may have died between storing rules and telling of them.
rulesHead(engine)
  .then((head) => announce(engine, head))
  .catch((error: unknown) => console.warn(`haechi: rules are not announced: ${String(error)}`));
void sync.wake();
