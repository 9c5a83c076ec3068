// SPDX-License-Identifier: Apache-2.0

/** Pages that the extension opens by itself, in either browser, and what a person does in them. */

import { until } from "./until.mjs";

/** The page of a file of the extension that is open now, or opens soon: `{ evaluate, close }`. */
export function ownPage(browser, file) {
  return until(`the page ${file}`, () => (browser.chrome ? inFirefox(browser, file) : inChromium(browser, file)));
}

async function inChromium(browser, file) {
  const target = browser.browser.targets().find((one) => one.type() === "page" && new URL(one.url()).protocol === "chrome-extension:" && one.url().includes(`/${file}`));
  const page = target && browser.adopt(await target.page());
  return page && { page, evaluate: (run, ...args) => page.evaluate(run, ...args), close: () => page.close() };
}

async function inFirefox(browser, file) {
  const { contexts } = await browser.send("browsingContext.getTree", { maxDepth: 0 });
  const found = contexts.find(({ url }) => url.startsWith("moz-extension://") && url.includes(`/${file}`));
  return (
    found && {
      evaluate: (run, ...args) => browser.call(found.context, run, ...args),
      close: () => browser.send("browsingContext.close", { context: found.context }),
    }
  );
}

/** Opens a page of the extension in a tab. */
export async function openOwn(browser, file) {
  const own = await browser.own();
  await own.evaluate((path) => void chrome.tabs.create({ url: chrome.runtime.getURL(path) }), file);
  return ownPage(browser, file);
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
