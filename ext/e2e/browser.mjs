// SPDX-License-Identifier: Apache-2.0

/**
 * The browser under test and how a test looks into its pages. HAECHI_BROWSER
 * says which: chromium (also when nothing is said) or firefox. Both classes
 * have the same methods.
 */

import { Chromium } from "./chromium.mjs";
import { Firefox } from "./firefox.mjs";

const BROWSERS = { chromium: Chromium, firefox: Firefox };
const name = process.env.HAECHI_BROWSER || "chromium";
if (!Object.hasOwn(BROWSERS, name)) throw new Error(`HAECHI_BROWSER is chromium or firefox, not ${name}`);

export const Browser = BROWSERS[name];

export { block, newProfile, spoil } from "./profile.mjs";

/** What is highlighted in a page: the words under each of the two marks. */
export function marks(page) {
  return page.evaluate(() => {
    const words = (name) => [...(CSS.highlights.get(name) ?? [])].map((range) => range.toString());
    return { distortion: words("haechi-distortion"), oneSided: words("haechi-one-sided") };
  });
}

export async function allMarks(page) {
  const { distortion, oneSided } = await marks(page);
  return [...distortion, ...oneSided];
}

/** Where the first marked line is, after it was brought into view. */
export function markPlace(page, index = 0) {
  return page.evaluate((wanted) => {
    const ranges = ["haechi-distortion", "haechi-one-sided"].flatMap((name) => [...(CSS.highlights.get(name) ?? [])]);
    const range = ranges[wanted];
    if (!range) return null;
    range.startContainer.parentElement.scrollIntoView({ block: "center" });
    const box = range.getClientRects()[0];
    return { x: box.left + Math.min(20, box.width / 2), y: box.top + box.height / 2 };
  }, index);
}

/**
 * Runs a function in the overlay's shadow root. It is closed, so that pages
 * cannot do this; only a debugger can.
 */
export function inOverlay(page, run, ...args) {
  return page.haechi.inOverlay(page, run, ...args);
}

/** The text of the open card, or an empty string. */
export function card(page) {
  return inOverlay(page, (root) => {
    const element = root.querySelector(".card");
    return element.hidden ? "" : element.innerText;
  });
}
