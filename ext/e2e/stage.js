// SPDX-License-Identifier: Apache-2.0

/**
 * Runs in a site's fixture page (stages.mjs): the last turn of the page is the
 * mould for new ones, so that answers can be written into it as the site does.
 */

import { render } from "./markdown.js";
import { morph } from "./morph.js";
import { stream } from "./stream.js";

const ASKED = "그럼 김치는?";
const TOLD = "김치는 한국의 음식";
/** Written into every part of the fixture that no adapter may read. */
const FORBIDDEN = "⛔";

const { site } = window.stage;

function innermost(text) {
  return [...document.querySelectorAll("body *")].findLast((element) => element.textContent.trim() === text);
}

/** The step above `from` that is a child of `top`. */
function below(top, from) {
  let at = from;
  while (at.parentElement !== top) at = at.parentElement;
  return at;
}

const asked = innermost(ASKED);
const told = innermost(TOLD);
let list = asked;
while (!list.contains(told)) list = list.parentElement;
const first = below(list, asked);
const last = below(list, told);
// Either each turn holds a question and its answer, and another such one stands beside it, or the two take turns.
const pairs = [...list.parentElement.children].some((other) => other !== list && other.className === list.className && other.querySelector(site.answer.join(", ")));
const conversation = pairs ? list.parentElement : list;
const turned = pairs ? [list] : [first, last];
const mould = turned.map((element) => element.cloneNode(true));
for (const element of turned) element.remove();

const busy = site.busy?.join(", ");
/** What says that an answer is being written, and stands outside the turns; with the place it stood in. */
const signs = busy ? [...document.querySelectorAll(busy)].map((element) => ({ element, parent: element.parentElement })) : [];

function still() {
  for (const { element } of signs) element.remove();
}

function writing() {
  for (const { element, parent } of signs) if (!parent.parentElement?.closest(busy)) parent.append(element);
}

/** In the turn itself the site changes an attribute. */
function settle(turn) {
  for (const element of turn.flatMap((one) => [one, ...one.querySelectorAll("*")])) {
    if (element.hasAttribute("data-is-streaming")) element.setAttribute("data-is-streaming", "false");
    if (element.hasAttribute("aria-busy")) element.setAttribute("aria-busy", "false");
  }
  const done = site.done?.length ? document.querySelector(site.done.join(", ")) : null;
  if (done && !done.hasAttribute("data-is-streaming")) turn.at(-1).append(done.cloneNode(true));
}

/** Puts a question and an empty answer at the conversation's end, or at `place` in it. */
function turn(question, place = null) {
  const parts = mould.map((element) => element.cloneNode(true));
  const find = (text) => parts.flatMap((part) => [part, ...part.querySelectorAll("*")]).findLast((element) => element.textContent.trim() === text);
  const ask = find(ASKED);
  const paragraph = find(TOLD);
  const body = paragraph.parentElement;
  paragraph.remove();
  const kept = [...body.children]; // a site's own signs beside the words
  ask.textContent = question;
  for (const part of parts) conversation.insertBefore(part, place);
  return {
    parts,
    body,
    ask: (text) => (ask.textContent = text),
    say: (text) => morph(body, [...kept, ...render(text)]),
    done() {
      still();
      settle(parts);
    },
    remove: () => parts.forEach((part) => part.remove()),
  };
}

/**
 * Says an answer at so many tokens a second. For each watched sentence: how
 * long after its last letter it was first seen marked, in ms, and in how many
 * frames after that its mark was gone.
 */
async function tell({ question, answer, speed = 60, watch = [], stop = new AbortController().signal }) {
  const times = new Map(watch.map((sentence) => [sentence, { said: 0, marked: 0, blinks: 0 }]));
  const look = () => {
    const shown = ["haechi-distortion", "haechi-one-sided"].flatMap((name) => [...(CSS.highlights.get(name) ?? [])].map(String)).join("\n");
    for (const [sentence, time] of times) {
      const seen = shown.includes(sentence);
      if (time.said && !time.marked && seen) time.marked = performance.now();
      if (time.marked && !seen) time.blinks++;
    }
    frame = watch.length > 0 ? requestAnimationFrame(look) : 0;
  };
  let frame = 0;
  look();
  writing();
  const reply = turn(question);
  const started = performance.now();
  await stream(answer, speed, stop, (text) => {
    reply.say(text);
    const now = performance.now();
    for (const [sentence, time] of times) if (!time.said && reply.body.textContent.includes(sentence)) time.said = now;
  });
  const ended = performance.now();
  reply.done();
  await new Promise((resolve) => setTimeout(resolve, watch.length > 0 ? 4_000 : 0));
  cancelAnimationFrame(frame);
  return { ms: ended - started, times: [...times].map(([sentence, { said, marked, blinks }]) => ({ sentence, wait: marked ? marked - said : null, blinks })) };
}

/** Many turns in one go, as when an old conversation is opened. */
function history(answers) {
  for (const answer of answers) turn("앞선 질문").say(answer);
}

/** Puts words where no adapter may read: thinking, citations, code, buttons, menus. Says in how many places. */
function forbid(words) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.includes(FORBIDDEN)) texts.push(walker.currentNode);
  for (const text of texts) text.data = words;
  return texts.length;
}

still();
Object.assign(window.stage, { conversation, turn, tell, history, still, writing, forbid });
document.documentElement.dataset.ready = "true";
