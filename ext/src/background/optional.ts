// SPDX-License-Identifier: Apache-2.0

/** Sites that are read only when the user has allowed it: they share a host with much else. */

/** What Google AI Mode needs; the browser grants hosts, not paths. */
export const GOOGLE: chrome.permissions.Permissions = { origins: ["https://www.google.com/*"] };

const SCRIPT: chrome.scripting.RegisteredContentScript = {
  id: "google-ai-mode",
  // AI Mode alone, not every search.
  matches: ["https://www.google.com/search?*udm=50*"],
  js: ["content.js"],
  css: ["highlight.css"],
  runAt: "document_idle",
};

let turn: Promise<void> = Promise.resolve();

/** Makes what is registered agree with what is allowed. */
export function registerOptional(): Promise<void> {
  turn = turn.then(agree).catch((error: unknown) => console.warn(`haechi: optional sites: ${String(error)}`));
  return turn;
}

async function agree(): Promise<void> {
  const allowed = await chrome.permissions.contains(GOOGLE);
  const [registered] = await chrome.scripting.getRegisteredContentScripts({ ids: [SCRIPT.id] });
  if (allowed && !registered) await chrome.scripting.registerContentScripts([SCRIPT]);
  if (!allowed && registered) await chrome.scripting.unregisterContentScripts({ ids: [SCRIPT.id] });
}
