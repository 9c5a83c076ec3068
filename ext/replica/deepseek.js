// SPDX-License-Identifier: Apache-2.0

/**
 * Turns with the markup of chat.deepseek.com: a virtual list keeps only what is
 * in view, each piece of an answer makes its last block anew, and thinking
 * looks like an answer but lies in a container of its own.
 */

import { render } from "./markdown.js";
import { el, start } from "./replica.js";

const scroller = document.getElementById("scroller");
const list = document.getElementById("list");
const visible = document.getElementById("visible");
/** How much above and below the window is kept in the page. */
const MARGIN = 400;

/** What the list shows; `node` only while it is in view. */
let items = [];
let keys = 0;

function build(item) {
  const message = el("div", { class: "ds-message" });
  if (item.role === "user") {
    message.append(el("div", { class: "fbb737a4" }, item.text));
  } else {
    const thinking = el("div", { class: "ds-markdown" }, ...render(item.thinking));
    message.append(el("div", { class: "thought" }, el("span", {}, "생각함 (3초)"), el("div", { class: "ds-think-content" }, thinking)));
    item.body = el("div", { class: "ds-markdown ds-assistant-message-main-content" }, ...render(item.text));
    message.append(item.body);
  }
  return el("div", { "data-virtual-list-item-key": String(item.key), class: `item ${item.role}` }, message);
}

/** Mounts what is in view, anew each time, and takes the rest out of the page. */
function layout() {
  let top = 0;
  let before = 0;
  const wanted = [];
  for (const item of items) {
    if (item.node) item.height = item.node.offsetHeight;
    const inView = top + item.height > scroller.scrollTop - MARGIN && top < scroller.scrollTop + scroller.clientHeight + MARGIN;
    if (inView) wanted.push(item);
    else if (wanted.length === 0) before += item.height;
    top += item.height;
  }
  for (const item of items) {
    if (wanted.includes(item)) continue;
    item.node?.remove();
    item.node = item.body = undefined;
  }
  wanted.forEach((item, i) => {
    item.node ??= build(item);
    if (visible.children[i] !== item.node) visible.insertBefore(item.node, visible.children[i] ?? null);
  });
  visible.style.transform = `translateY(${before}px)`;
  list.style.height = `${top}px`;
}

function add(item) {
  items.push({ key: ++keys, height: 90, ...item });
  settle(true);
  return items.at(-1);
}

/** Twice, because heights are known only once things are in the page. */
function settle(toEnd) {
  for (let i = 0; i < 2; i++) {
    layout();
    if (toEnd) scroller.scrollTop = scroller.scrollHeight;
  }
}

scroller.addEventListener("scroll", layout, { passive: true });
addEventListener("resize", layout);

start({
  ask(question) {
    add({ role: "user", text: question });
  },

  answer(thinking) {
    const item = add({ role: "assistant", text: "", thinking });
    return {
      say(text) {
        const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
        item.text = text;
        if (item.body) {
          const blocks = render(text);
          const keep = Math.min(item.body.children.length, blocks.length) - 1;
          while (item.body.children.length > Math.max(keep, 0)) item.body.lastChild.remove();
          item.body.append(...blocks.slice(Math.max(keep, 0)));
        }
        settle(atEnd);
      },
      done() {},
      remove() {
        items = items.filter((other) => other !== item);
        item.node?.remove();
        settle(true);
      },
    };
  },

  clear() {
    for (const item of items) item.node?.remove();
    items = [];
    settle(false);
  },
});
