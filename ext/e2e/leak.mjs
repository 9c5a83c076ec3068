// SPDX-License-Identifier: Apache-2.0

/** Finds pieces of somebody's texts in what a browser sent, however they are written. */

/** So many characters of an answer in a row are no accident. */
const PIECE = 12;

export class Leaks {
  pieces = new Map();

  /** Every piece of these texts is a secret from now on, with its spaces and without them. */
  keep(...texts) {
    for (const text of texts) {
      for (const form of [text, text.replace(/\s+/g, "")]) {
        for (let i = 0; i + PIECE <= form.length; i++) this.pieces.set(form.slice(i, i + PIECE), text);
      }
    }
  }

  /** The secrets in a text, as they stand there. */
  in(text) {
    const found = new Set();
    for (const form of forms(text)) {
      for (const one of [form, form.replace(/\s+/g, "")]) {
        for (let i = 0; i + PIECE <= one.length; i++) {
          const piece = one.slice(i, i + PIECE);
          if (this.pieces.has(piece)) found.add(piece);
        }
      }
    }
    return [...found];
  }
}

/** A text as it stands, and with the usual ways to write bytes and characters undone. */
function forms(text) {
  const percent = text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"));
  const escaped = text.replace(/\\u([0-9a-f]{4})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const base64 = [...text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)].map(([run]) => Buffer.from(run, "base64").toString("utf8"));
  const hex = [...text.matchAll(/(?:[0-9a-f]{2}){12,}/gi)].map(([run]) => Buffer.from(run, "hex").toString("utf8"));
  return [text, percent, escaped, ...base64, ...hex];
}
