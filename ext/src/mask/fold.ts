// SPDX-License-Identifier: Apache-2.0

/** Twin of server/review/mask/fold.go. */

import type { Kind } from "./mask";

/** How far before a match a word still tells what it is, in bytes of UTF-8, as the twin counts. */
const REACH = 40;
/** Bounds how far back a web address is looked for. */
const LONGEST_ADDRESS = 2_048;

/**
 * A text in which digits, letters and dashes have one form each, so that
 * ０１０－１２３４ is found like 010-1234. Each of its UTF-16 units knows the
 * units that it came from, and whether it is masked already.
 */
export class Folded {
  readonly text: string;
  readonly from: number[] = [];
  readonly to: number[] = [];
  readonly used: boolean[];

  constructor(original: string) {
    let text = "";
    let at = 0;
    for (const character of original) {
      const folded = plain(character);
      for (let i = 0; i < folded.length; i++) {
        this.from.push(at);
        this.to.push(at + character.length);
      }
      text += folded;
      at += character.length;
    }
    this.text = text;
    this.used = new Array<boolean>(text.length).fill(false);
  }

  taken(start: number, end: number): boolean {
    return this.used.slice(start, end).includes(true);
  }

  take(start: number, end: number): void {
    this.used.fill(true, start, end);
  }

  /**
   * True for a match that is a thing of its own rather than part of a longer
   * number or word. Hangul and Han letters may touch it: 010-1234-5678로.
   */
  stands(start: number, end: number, kind: Kind): boolean {
    if (kind === "email" || kind === "user" || kind === "name") return true;
    const { text } = this;
    // A point joins digits into one number, but only begins a list item before
    // a number that is written with hyphens.
    const points = kind === "ip" || !/[ \-.()+]/.test(text.slice(start, end));
    if (start > 0) {
      const before = text.charAt(start - 1);
      const behindDigit = isDigit(text.charAt(start - 2));
      if (isDigit(before) || isLetter(before) || before === "_") return false;
      if (behindDigit && (before === "-" || (before === "." && points) || (before === ":" && kind === "ip"))) return false;
    }
    const after = text.charAt(end);
    if (isDigit(after) || isLetter(after) || after === "_") return false;
    return !(after === "." && points && isDigit(text.charAt(end + 1)));
  }

  /** True if one of the words stands shortly before. */
  near(start: number, ...words: string[]): boolean {
    const lead = this.lead(start);
    return words.some((word) => lead.includes(word));
  }

  /** True if one of the words stands right before, as a word. */
  follows(start: number, ...words: string[]): boolean {
    const lead = this.lead(start).replace(/[ :]+$/, "");
    return words.some((word) => lead.endsWith(word) && !isLetter(lead.charAt(lead.length - word.length - 1)));
  }

  /** True if the number is said to be an ISBN, ISSN or DOI. */
  isbn(start: number): boolean {
    const lead = this.lead(start);
    return ["isbn", "issn", "doi"].some((word) => {
      const at = lead.lastIndexOf(word);
      return at >= 0 && !/[,;\n]/.test(lead.slice(at)) && bytes(lead.slice(at)) < 16;
    });
  }

  /** True in the path of a web address, where a number is an article's; behind "=" it is what someone typed. */
  inPath(start: number): boolean {
    if (!["/", "-", "."].includes(this.text.charAt(start - 1))) return false;
    const word = this.text.slice(Math.max(0, start - LONGEST_ADDRESS), start).split(/[ \n\t\r"'()<>]/).pop() ?? "";
    return word.includes("://");
  }

  /** The text shortly before a match, in lower case. */
  lead(start: number): string {
    let at = start;
    for (let left = REACH; at > 0; at--) {
      left -= bytes(this.text.charAt(at - 1));
      if (left < 0) break;
    }
    return this.text.slice(at, start).toLowerCase();
  }
}

/** The ASCII form of a character, itself, or nothing to leave it out. */
function plain(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xff01 + 0x21); // full-width
  if (code === 0x3000 || code === 0xa0 || code === 0x202f || (code >= 0x2000 && code <= 0x200a)) return " ";
  if ((code >= 0x2010 && code <= 0x2015) || code === 0x2212 || code === 0xfe63 || code === 0x30fc) return "-"; // in numbers ー stands for a dash
  // A zero-width character hides no number.
  const nothing =
    code === 0xad || (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2064) || code === 0xfeff;
  return nothing ? "" : character;
}

/** Bytes of UTF-8; half of a surrogate pair has half of the pair's four. */
function bytes(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    n += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return n;
}

export function isDigit(character: string): boolean {
  return character >= "0" && character <= "9" && character.length === 1;
}

export function isLetter(character: string): boolean {
  return /^[A-Za-z]$/.test(character);
}
