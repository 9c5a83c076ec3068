// SPDX-License-Identifier: Apache-2.0

/**
 * A page of the extension in Firefox, with as much of Puppeteer's Page as the
 * tests use. Puppeteer waits for load events that Firefox does not send for
 * such pages, so they are reached by their browsing context alone. What is
 * clicked is told so by the page itself; the pointer is a real one.
 */

import { until } from "./until.mjs";

export class OwnPage {
  constructor(haechi, context) {
    this.haechi = haechi;
    this.context = context;
    this.mouse = { move: (x, y) => this.point(x, y) };
  }

  mainFrame() {
    return { _id: this.context };
  }

  /** Runs a function, or a whole script, in the page. */
  async evaluate(run, ...args) {
    if (typeof run === "function") return this.haechi.call(this.context, run, ...args);
    const answer = await this.haechi.send("script.evaluate", { expression: `${run}\n;undefined`, target: { context: this.context }, awaitPromise: true });
    if (answer.type === "exception") throw new Error(answer.exceptionDetails.text);
    return undefined;
  }

  $eval(selector, run, ...args) {
    return this.haechi.call(this.context, `(selector, ...args) => (${run})(document.querySelector(selector), ...args)`, selector, ...args);
  }

  $$eval(selector, run) {
    return this.haechi.call(this.context, `(selector) => (${run})([...document.querySelectorAll(selector)])`, selector);
  }

  /** True in place of the element: all that the tests ask is whether it is there. */
  $(selector) {
    return this.evaluate((wanted) => document.querySelector(wanted) !== null || null, selector);
  }

  async $$(selector) {
    return Array(await this.$$eval(selector, (all) => all.length));
  }

  click(selector) {
    return this.$eval(selector, (element) => (element.focus(), element.click()));
  }

  type(selector, text) {
    return this.$eval(selector, (input, value) => {
      input.value += value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, text);
  }

  select(selector, value) {
    return this.$eval(selector, (menu, wanted) => {
      menu.value = wanted;
      for (const type of ["input", "change"]) menu.dispatchEvent(new Event(type, { bubbles: true }));
    }, value);
  }

  setViewport({ width, height }) {
    return this.haechi.send("browsingContext.setViewport", { context: this.context, viewport: { width, height } });
  }

  async goto(url) {
    await this.haechi.send("browsingContext.navigate", { context: this.context, url, wait: "none" });
    await this.loaded(url);
  }

  async reload() {
    await this.evaluate(() => void setTimeout(() => ((globalThis.old = true), location.reload())));
    await until("the page is new", () => this.evaluate(() => !globalThis.old && document.readyState === "complete"));
  }

  loaded(url) {
    return until(`${url} is loaded`, () => this.evaluate((wanted) => location.href === wanted && document.readyState === "complete", url));
  }

  bringToFront() {
    return this.haechi.send("browsingContext.activate", { context: this.context });
  }

  point(x, y) {
    const actions = [{ type: "pointerMove", x: Math.round(x), y: Math.round(y) }];
    return this.haechi.send("input.performActions", { context: this.context, actions: [{ type: "pointer", id: "mouse", actions }] });
  }

  /** The page on paper. */
  async pdf() {
    return Buffer.from((await this.haechi.send("browsingContext.print", { context: this.context })).data, "base64");
  }

  close() {
    return this.haechi.send("browsingContext.close", { context: this.context });
  }
}
