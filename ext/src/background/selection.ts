// SPDX-License-Identifier: Apache-2.0

import { say } from "../words";
import { showLost } from "./badge";

/** Names the menu entry and the command. */
export const SELECTION = "selection";

/** Adds the menu entry; Chrome keeps it until the next installation. */
export function offerSelection(): void {
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({ id: SELECTION, title: say("menuSelection"), contexts: ["selection"] });
  });
}

/**
 * Has the selected text of a tab judged, on any page: the user's click or key
 * gives access to this tab alone, until it goes elsewhere.
 */
export async function checkSelection(tabId: number, frameId = 0): Promise<void> {
  const target = { tabId, frameIds: [frameId] };
  try {
    await chrome.scripting.insertCSS({ target, files: ["highlight.css"] });
    await chrome.scripting.executeScript({ target, files: ["selection.js"] });
  } catch (error) {
    // The browser's own pages, its shop, and frames of other hosts are closed to extensions.
    console.warn(`haechi: the selection cannot be read here: ${String(error)}`);
    await showLost(tabId, true);
  }
}
