// SPDX-License-Identifier: Apache-2.0

/** Turns with the markup of chatgpt.com: every turn stays in the page, nodes are kept while they grow. */

import { render } from "./markdown.js";
import { morph } from "./morph.js";
import { el, start } from "./replica.js";

const thread = document.getElementById("thread");
let turns = 0;

function turn(role, label, content) {
  const id = ++turns;
  const node = el(
    "article",
    { "data-testid": `conversation-turn-${id}`, "data-turn": role, class: `turn ${role}` },
    el(role === "user" ? "h5" : "h6", { class: "sr-only" }, label),
    el("div", { "data-message-author-role": role, "data-message-id": `m${id}` }, content),
  );
  thread.append(node);
  thread.parentElement.scrollTop = thread.parentElement.scrollHeight;
  return node;
}

start({
  ask(question) {
    turn("user", "나의 말:", el("div", { class: "whitespace-pre-wrap bubble" }, question));
  },

  answer() {
    const body = el("div", { class: "markdown prose w-full break-words" });
    const node = turn("assistant", "ChatGPT의 말:", body);
    node.firstElementChild.nextElementSibling.dataset.messageModelSlug = "replica";
    return {
      say(text) {
        const { parentElement: scroller } = thread;
        const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
        morph(body, render(text));
        if (atEnd) scroller.scrollTop = scroller.scrollHeight;
      },
      done() {
        node.append(el("div", { class: "actions" }, el("button", { type: "button", "data-testid": "copy-turn-action-button", "aria-label": "복사" }, "복사")));
      },
      remove: () => node.remove(),
    };
  },

  clear() {
    thread.replaceChildren();
    turns = 0;
  },
});
