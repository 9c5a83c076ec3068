// SPDX-License-Identifier: Apache-2.0

/** Pages that the extension opens by itself, in either browser, and what a person does in them. */

import { until } from "./until.mjs";

/** Opens a page of the extension in a tab. */
export async function openOwn(browser, path) {
  const own = await browser.own();
  await own.evaluate((file) => void chrome.tabs.create({ url: chrome.runtime.getURL(file) }), path);
  return browser.opened(path);
}

/** What a page says in the element with an id, once it says it. */
export function says(page, id, wanted) {
  return until(`#${id} says ${wanted}`, async () => {
    const text = await page.evaluate((name) => {
      const element = document.getElementById(name);
      return element && !element.closest("[hidden]") ? element.textContent : "";
    }, id);
    return wanted.test(text) ? text : Promise.reject(new Error(`it says ${JSON.stringify(text)}`));
  });
}

/** Types into a field of a page as far as the page can tell. */
export function write(page, id, text) {
  return page.evaluate(
    (name, value) => {
      const field = document.getElementById(name);
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    id,
    text,
  );
}

export function press(page, selector) {
  return page.evaluate((wanted) => {
    const found = document.querySelector(wanted);
    if (!found) throw new Error(`no ${wanted} in the page`);
    found.click();
  }, selector);
}
