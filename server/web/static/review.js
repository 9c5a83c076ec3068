// SPDX-License-Identifier: Apache-2.0

/**
 * Keys and drafts of the review desk. Every page works without this script.
 *
 * Keys do nothing in text fields, with a modifier, or while an input method
 * composes. Letters go by the key's position, so that they work while the
 * keyboard writes Hangul.
 */
"use strict";

const form = document.getElementById("verdict");
const byId = (id) => document.getElementById(id);

/** Drafts of this browser, by person and case: what the server may not have. */
const PREFIX = "haechi-review:";
const draftKey = (id) => `${PREFIX}${document.body.dataset.person}:${id}`;
const local = {
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // full or forbidden: the server has the draft
    }
  },
  drop(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      // as above
    }
  },
};

const isText = (target) =>
  target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && !["checkbox", "radio", "submit"].includes(target.type)) || target?.isContentEditable;

/** Which of the desk's keys an event is, or an empty string. */
function keyOf(event) {
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code);
  if (/^[1-5]$/.test(event.key)) return event.key;
  if (digit && !event.shiftKey) return digit[1];
  if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) return "?";
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter && !event.shiftKey) return letter[1];
  return /^[a-zA-Z]$/.test(event.key) && !event.code ? event.key.toUpperCase() : "";
}

function press(key) {
  if (key === "?") return openHelp();
  if (key === "Z") return click("undo");
  if (key === "J") return click("skip");
  if (!form || form.closest("details:not([open])")) return false;
  if (/^[1-5]$/.test(key)) {
    const button = form.querySelectorAll("button.verdict")[Number(key) - 1];
    button.focus();
    form.requestSubmit(button);
    return true;
  }
  const source = form.querySelector(`input[data-key="${key}"]`);
  if (source) {
    source.click();
    source.focus();
    return true;
  }
  const field = { S: "sources", N: "note", C: "wording" }[key];
  if (!field) return false;
  byId(field).focus();
  return true;
}

function click(id) {
  const element = byId(id);
  element?.click();
  return Boolean(element);
}

function openHelp() {
  const dialog = byId("keys");
  dialog?.showModal();
  return Boolean(dialog);
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (byId("keys")?.open) return;
  if (isText(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target instanceof HTMLInputElement && event.target.form === form) {
    event.preventDefault(); // a source is ticked with its letter or the space bar
    return;
  }
  const key = keyOf(event);
  if (key && press(key)) event.preventDefault();
});

// Where there is room the guidelines stand beside the work.
if (byId("scale") && matchMedia("(min-width: 821px)").matches) byId("scale").open = true;

byId("help")?.addEventListener("click", openHelp);
if (byId("help")) byId("help").hidden = false;

// A verdict that was saved needs no draft any more; one that was undone has it
// on the server.
const done = byId("done");
if (done) local.drop(draftKey(done.dataset.case));

byId("sign-out")?.addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
});

if (form) {
  const needs = byId("needs");
  const saved = byId("saved");
  const key = draftKey(form.dataset.case);
  let sending = false;
  let timer = 0;

  const written = () => ({
    source: [...form.querySelectorAll("input[name=source]:checked")].map((box) => box.value),
    sources: byId("sources").value,
    note: byId("note").value,
    wording: byId("wording").value,
  });
  const blank = JSON.stringify(written());

  const fill = (draft) => {
    for (const box of form.querySelectorAll("input[name=source]")) box.checked = draft.source.includes(box.value);
    for (const name of ["sources", "note", "wording"]) byId(name).value = draft[name];
  };

  const save = async () => {
    const body = new URLSearchParams(new FormData(form));
    const at = local.get(key)?.at;
    saved.textContent = saved.dataset.saving;
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body });
      saved.textContent = answer.ok ? saved.dataset.saved : saved.dataset.local;
      if (answer.ok && local.get(key)?.at === at) local.drop(key); // else more was typed meanwhile
    } catch {
      saved.textContent = saved.dataset.local;
      timer = setTimeout(save, 10_000);
    }
  };

  if (form.dataset.draft) {
    const kept = local.get(key);
    const server = Date.parse(form.dataset.saved) || 0;
    if (kept && kept.at > server && JSON.stringify(kept.draft) !== blank) {
      fill(kept.draft);
      saved.textContent = saved.dataset.restored;
      timer = setTimeout(save, 500);
    }
    form.addEventListener("input", () => {
      local.set(key, { at: Date.now(), draft: written() });
      clearTimeout(timer);
      timer = setTimeout(save, 800);
    });
  }

  form.addEventListener("submit", (event) => {
    const { source, sources } = written();
    if (event.submitter?.hasAttribute("data-needs-source") && source.length === 0 && sources.trim() === "") {
      event.preventDefault();
      needs.hidden = false;
      needs.textContent = "";
      needs.textContent = form.dataset.needs;
      (form.querySelector("input[name=source]") ?? byId("sources")).focus();
      return;
    }
    if (sending) {
      event.preventDefault(); // the second press of a key
      return;
    }
    sending = true;
    clearTimeout(timer);
  });
  // A page that comes back from the browser's cache may send again.
  window.addEventListener("pageshow", () => (sending = false));
}
