// SPDX-License-Identifier: Apache-2.0

/**
 * What both replicas share: the cases, the composer and the streaming.
 *
 * The address may say: case=ID, all=1 (every case in turn), speed=TOKENS a
 * second (0: at once), replace=1 (an answer is taken back midway and another
 * put in its place), delete=1 (an answer is deleted when it is finished),
 * theme=dark or light. Tests call window.replica.ask with an entry; `hold` in
 * it is a promise that the taking back or deleting waits for.
 */

import { stream } from "./stream.js";

const REFUSAL = {
  ko: "죄송합니다. 이 질문에는 답변드릴 수 없습니다. 다른 이야기를 나눠 볼까요?",
  en: "Sorry, that's beyond my current scope. Let's talk about something else.",
  ja: "申し訳ありませんが、その質問にはお答えできません。別の話題にしましょう。",
  zh: "抱歉，这个问题我暂时无法回答。让我们换个话题再聊聊吧。",
};
const THINKING = "사용자가 무엇을 묻는지 살펴보고, 답을 어떤 순서로 적을지 정한다.";

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Runs a replica: `site` puts turns into the page. */
export async function start(site) {
  const options = new URLSearchParams(location.search);
  const speed = Number(options.get("speed") ?? 60);
  const form = document.getElementById("composer");
  const { question, answer, cases: picker } = form.elements;
  const send = form.querySelector(".send");
  const stop = document.getElementById("stop");
  stop.remove(); // in the page only while an answer is written, as on the sites
  let running = new AbortController();
  /** Questions wait for each other, as on the sites. */
  let turn = Promise.resolve();

  if (options.has("theme")) document.documentElement.dataset.theme = options.get("theme");

  async function tell(entry) {
    document.body.classList.add("talking");
    running = new AbortController();
    site.ask(entry.question || "…");
    const thinking = entry.thinking ?? THINKING;
    let reply = site.answer(thinking);
    send.before(stop);
    const half = Math.floor(entry.answer.length / 2);
    const taken = options.has("replace");
    await stream(taken ? entry.answer.slice(0, half) : entry.answer, speed, running.signal, (text) => reply.say(text));
    if (taken) {
      await (entry.hold ?? new Promise((resolve) => setTimeout(resolve, 700)));
      reply.remove();
      reply = site.answer(thinking);
      reply.say(REFUSAL[entry.lang] ?? REFUSAL.ko);
    }
    reply.done();
    stop.remove();
    if (options.has("delete")) {
      await entry.hold;
      reply.remove();
    }
  }

  function ask(entry) {
    turn = turn.then(() => tell(entry));
    return turn;
  }

  stop.addEventListener("click", () => running.abort());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = answer.value.trim();
    if (text === "") return answer.focus();
    void ask({ question: question.value.trim(), answer: text, lang: "ko" });
    form.reset();
  });

  const cases = await (await fetch("answers.json")).json();
  cases.forEach(({ id, question }, i) => picker.append(el("option", { value: String(i) }, `${question || "(질문 없음)"} · ${id}`)));
  picker.addEventListener("change", () => {
    const entry = cases[Number(picker.value)];
    if (!entry) return;
    question.value = entry.question;
    answer.value = entry.answer;
    question.focus();
  });
  document.getElementById("all").addEventListener("click", () => cases.forEach((entry) => void ask(entry)));

  // For tests and the demonstration: the same ways in as a person has.
  window.replica = { cases, ask, clear: () => site.clear() };
  const wanted = options.get("case");
  for (const entry of cases) if (options.has("all") || entry.id === wanted) void ask(entry);
  document.documentElement.dataset.ready = "true";
}
