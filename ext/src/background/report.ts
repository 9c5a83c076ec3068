// SPDX-License-Identifier: Apache-2.0

import type { ReportRequest } from "../messages";
import { draftOf } from "../report/draft";
import { isSeed } from "../report/seed";
import { Reports } from "../store/reports";

const reports = new Reports();

/**
 * Writes a draft and opens it in a tab of our own, which no site can read,
 * dress up or press buttons in. Nothing is sent from here.
 */
export async function openReport({ seed, private: inPrivate }: ReportRequest, tab: chrome.tabs.Tab | undefined): Promise<void> {
  if (!isSeed(seed)) throw new Error("this is no finding");
  const draft = draftOf(seed, crypto.randomUUID(), Date.now(), inPrivate || tab?.incognito === true);
  await reports.saveDraft(draft);
  const url = chrome.runtime.getURL(`report.html?draft=${draft.id}`);
  if (!draft.private) return void (await chrome.tabs.create(tab?.id === undefined ? { url } : { url, index: tab.index + 1, windowId: tab.windowId }));
  // A private window shows no pages of extensions.
  const usual = (await chrome.windows.getAll({ windowTypes: ["normal"] })).find(({ incognito }) => !incognito);
  if (usual?.id === undefined) return void (await chrome.windows.create({ url, incognito: false }));
  await chrome.tabs.create({ url, windowId: usual.id });
  await chrome.windows.update(usual.id, { focused: true });
}
