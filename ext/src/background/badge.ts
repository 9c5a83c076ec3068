// SPDX-License-Identifier: Apache-2.0

import type { Count } from "../messages";

const DISTORTION = "#c62828";
const ONE_SIDED = "#9a6700";
const LOST = "#6e7781";

/** The number of findings on the tab's icon; nothing when there are none. */
export async function showCount(tabId: number, count: Count): Promise<void> {
  const all = count.distortion + count.oneSided;
  const text = all === 0 ? "" : all > 99 ? "99+" : String(all);
  try {
    await chrome.action.setBadgeText({ tabId, text });
    if (all === 0) return;
    await chrome.action.setBadgeBackgroundColor({ tabId, color: count.distortion > 0 ? DISTORTION : ONE_SIDED });
    await chrome.action.setBadgeTextColor({ tabId, color: "#ffffff" });
  } catch {
    // The tab closed in between.
  }
}

/** A question mark on the icon of a tab whose answers are not found. */
export async function showLost(tabId: number, lost: boolean): Promise<void> {
  try {
    await chrome.action.setBadgeText({ tabId, text: lost ? "?" : "" });
    if (!lost) return;
    await chrome.action.setBadgeBackgroundColor({ tabId, color: LOST });
    await chrome.action.setBadgeTextColor({ tabId, color: "#ffffff" });
  } catch {
    // The tab closed in between.
  }
}
