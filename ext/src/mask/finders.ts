// SPDX-License-Identifier: Apache-2.0

/** Twin of server/review/mask/finders.go: the same forms in the same order. */

import { addressOf } from "./address";
import { isDigit, type Folded } from "./fold";
import type { Kind } from "./mask";

/** Knows one form. */
export interface Finder {
  kind: Kind;
  /** Its first group is what is masked. */
  pattern: RegExp;
  accept(f: Folded, start: number, end: number): boolean;
}

/** The first syllable of most Korean names. */
const FAMILY =
  "[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연표명기반왕금옥인맹제모탁국]";

/** Words of three syllables or fewer that begin like a name and are said of oneself or before 님. */
const NO_NAME = new Set(
  "한국인 조선인 전문가 연구원 공무원 유학생 신입생 남학생 여학생 회사원 이용자 구독자 방문자 지원자 신청자 조교수 유튜버 주인공 선생 선생님 고객 고객님 회원 여러분 부모 임금 장군 대왕 교수 사장 하느 하나 스승 아버 어머 대통령 의원 사용자 담당자 관리자".split(" "),
);

const always = (): boolean => true;

/** A user that is not masked yet. */
const unmasked = (f: Folded, start: number, end: number): boolean => f.text.slice(start, end) !== "[user]";

/** A number that is no ISBN and not part of an address's path. */
const phone = (f: Folded, start: number): boolean => !f.isbn(start) && !f.inPath(start);

const form = (kind: Kind, pattern: RegExp, accept: Finder["accept"]): Finder => ({ kind, pattern: new RegExp(pattern, `${pattern.flags}dg`), accept });

/** In the order in which they look. */
export const FINDERS: readonly Finder[] = [
  form("user", /[a-z][a-z0-9+.\-]{0,20}:\/\/([^\t\n\f\r \/?#@]{1,200}(?:@[^\t\n\f\r \/?#@]{1,200})*)@/iu, unmasked),
  form("email", /((?:[a-z0-9._%+'\-]{1,64}|[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{1,64})(?:@|[\t\n\f\r ]?[\[(][\t\n\f\r ]?(?:at|@|골뱅이)[\t\n\f\r ]?[\])][\t\n\f\r ]?|[\t\n\f\r ]?골뱅이[\t\n\f\r ]?)(?:[a-z0-9][a-z0-9\-]{0,62}\.){1,8}[a-z]{2,24})/iu, always),
  form("ip", /((?:[0-9]{1,3}\.){3}[0-9]{1,3})/u, address),
  form("ip", /([0-9a-f]{0,4}:[0-9a-f:]{1,40}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?)/iu, address),

  form("resident-number", /([0-9]{6}(?: ?- ?| )?[0-9](?:[0-9]{6}|\*{6}))/u, birth),
  form("card", /([0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{1,3})/u, card),
  form("card", /([0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{4})/u, card), // a year may stand behind it
  form("card", /(3[0-9]{3}[ \-]?[0-9]{6}[ \-]?[0-9]{4,5})/u, card),

  // Korea: mobile, Internet and personal numbers; then regions.
  form("phone", /((?:\+|00)?82[\-. ]?(?:\(0\)|0)?[\-. ]?1[016789][\-. ]?[0-9]{3,4}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /((?:\+|00)82[\-. ]?(?:\(0\)|0)?[\-. ]?(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[2-8]?)[\-. ]?[0-9]{3,4}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /(\(?01[016789](?:\) ?|[\-. ]| - )?[0-9]{3,4}(?:[\-. ]| - )?[0-9]{4})/u, phone),
  form("phone", /(\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])(?:(?:\) ?|[\-. ]| - )[0-9]{3,4}(?:[\-. ]| - )|[2-9][0-9]{2,3})[0-9]{4})/u, phone),
  form("phone", /(\(?0(?:70|50[2-8])(?:\) ?|[\-. ]| - )?[0-9]{3,4}(?:[\-. ]| - )?[0-9]{4})/u, phone),
  // China: mobile, then regions; before Japan, whose regions are shorter.
  form("phone", /((?:(?:\+|00)?86[\-. ]?)?1[3-9][0-9][\-. ]?[0-9]{4}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /((?:(?:\+|00)86[\-. ]?0?|\(?0)(?:10|2[0-9]|[3-9][0-9]{2})(?:\) ?|[\- ])[2-9][0-9]{2,3}[\- ]?[0-9]{4})/u, phone),
  // Japan: abroad, mobile with and without hyphens, regions with them.
  form("phone", /((?:\+|00)81[\-. ]?(?:\(0\)|0)?[0-9]{1,4}[\-. ]?[0-9]{1,4}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /(0[789]0[\-. ]?[0-9]{4}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /(\(?0[1-9](?:\) ?|-)[0-9]{4}-[0-9]{4}|\(?0[1-9][0-9](?:\) ?|-)[0-9]{3}-[0-9]{4}|\(?0[1-9][0-9]{2}(?:\) ?|-)[0-9]{2}-[0-9]{4}|\(?0[1-9][0-9]{3}(?:\) ?|-)[0-9]-[0-9]{4})/u, notFree),
  // North America, and any other number that names its country.
  form("phone", /((?:\+?1[\-. ]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[\-.])[2-9][0-9]{2}[\-. ][0-9]{4})/u, phone),
  form("phone", /(\+1[\-. ]?[2-9][0-9]{2}[\-. ]?[2-9][0-9]{2}[\-. ]?[0-9]{4})/u, phone),
  form("phone", /(\+[1-9][0-9]{0,2}(?:[\-. ]?\(?[0-9]{1,5}\)?){2,6})/u, abroad),

  form("passport", /([MSRODG][0-9]{8}|M[0-9]{3}[A-Z][0-9]{4})/u, korean),
  form("passport", /([A-Z]{1,2}[0-9]{7,8}|[0-9]{9})/u, named),

  // Who says his name, or is greeted by it; a name alone may be history.
  form("name", /(?:제|내|저의|나의|본인) ?이름은 ?([가-힣]{2,4}?)(?:이고|이며|입니다|이에요|예요|이야|야|라고|이라고|[,. \n!])/u, always),
  form("name", /(?:저는|나는|난|전) ([가-힣]{2,4}?)이?라고 (?:합니다|해요|불러)/u, ownName),
  form("name", new RegExp(`저는 (${FAMILY}[가-힣]{2})(?:입니다|이에요|예요)`, "u"), ownName),
  form("name", new RegExp(`(${FAMILY}[가-힣]{2})(?: ?님| 씨)`, "u"), addressed),
  form("name", /([가-힣]{2,3})님[,!]/u, greeted),
  form("name", /(?:[Mm]y name is|[Mm]y name's|[Pp]lease call me) ([A-Z][A-Za-z'\-]{0,30}(?: [A-Z][A-Za-z'\-]{0,30}){0,2})/u, always),
  form("name", /(?:Dear|Hi|Hello|Hey),? ([A-Z][a-z'\-]{1,30}(?: [A-Z][a-z'\-]{1,30})?)[,!]/u, always),
  form("name", /(?:私|わたし|僕|ぼく|俺)の名前は、?([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\-]{2,12}?)(?:です|だ|と申します|といいます|と言います)/u, always),
  form("name", /(\p{Script=Han}{2,5})と申します/u, always),
  form("name", /(?:我叫|我名叫|我的名字是|我的名字叫)(\p{Script=Han}{2,4}?)[,。.!、; \n]/u, always),
];

/** A foreigner's number is told from a resident's by its seventh digit. */
export function kindOf({ kind }: Finder, match: string): Kind {
  return kind === "resident-number" && "5678".includes(seventh(match)) ? "foreigner-number" : kind;
}

const seventh = (match: string): string => match.slice(6).replace(/^[ \-]+/, "").charAt(0);

/** An IP address of someone: no loopback or unspecified one, no version or section number, no C++ name. */
function address(f: Folded, start: number, end: number): boolean {
  const match = f.text.slice(start, end);
  const found = addressOf(match);
  if (!found || found.own) return false;
  if (found.v4) return !f.follows(start, "version", "ver", "ver.", "v", "버전", "판", "版", "section", "§", "절");
  return /[0-9]/.test(match) && match.split(":").length > 2 && match.length > 6;
}

/**
 * A registration number whose first six digits are a day. Its last digit
 * checks the others only in numbers given out before October 2020, so it
 * proves nothing; thirteen digits that pass for a day are masked all the same.
 */
function birth(f: Folded, start: number, end: number): boolean {
  const match = f.text.slice(start, end);
  const century = ["18", "19", "19", "20", "20", "19", "19", "20", "20", "18"][Number(seventh(match))] ?? "";
  return isDay(century + match.slice(0, 6)) && !f.inPath(start);
}

/** Year, month and day in eight digits. */
function isDay(text: string): boolean {
  if (!/^[0-9]{8}$/.test(text)) return false;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(4, 6)), Number(text.slice(6))];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

/** What begins like a card, is as long as its kind is and passes Luhn's check. */
function card(f: Folded, start: number, end: number): boolean {
  const digits = f.text.slice(start, end).replace(/[ \-]/g, "");
  const n = digits.length;
  const two = digits.slice(0, 2);
  const four = digits.slice(0, 4);
  if (/^[456]/.test(digits)) {
    // Visa; Mastercard and Maestro; UnionPay, Discover
  } else if (two === "35" || digits.startsWith("9")) {
    if (n !== 16) return false; // JCB; Korea's own
  } else if (two === "34" || two === "37") {
    if (n !== 15) return false;
  } else if (["30", "36", "38", "39"].includes(two)) {
    if (n !== 14 && n !== 16) return false;
  } else if (four >= "2221" && four <= "2720") {
    if (n !== 16) return false;
  } else return false;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let digit = Number(digits.charAt(n - 1 - i));
    if (i % 2 === 1 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return sum % 10 === 0 && !f.isbn(start) && !f.inPath(start);
}

/** A Japanese number that is not free of charge, as companies' are. */
function notFree(f: Folded, start: number, end: number): boolean {
  return !/^\(?(?:0120|0800|080)/.test(f.text.slice(start, end)) && phone(f, start);
}

/** 8 digits or more behind a plus sign. E.164 allows 15; more may be a number with a year behind it, and is masked whole. */
function abroad(f: Folded, start: number, end: number): boolean {
  return [...f.text.slice(start, end)].filter(isDigit).length >= 8 && phone(f, start);
}

/** A Korean passport number: one that could be a date's code only where a passport is spoken of. */
function korean(f: Folded, start: number, end: number): boolean {
  return isDay(f.text.slice(start + 1, end)) ? named(f, start) : !f.inPath(start);
}

/** Another country's passport number beside the word. */
function named(f: Folded, start: number): boolean {
  return f.near(start, "여권", "passport", "护照", "護照", "旅券", "パスポート", "パスポ-ト") && !f.inPath(start);
}

function ownName(f: Folded, start: number, end: number): boolean {
  return !NO_NAME.has(f.text.slice(start, end));
}

/** A word of its own: 대왕김민수님 names no one. */
function addressed(f: Folded, start: number, end: number): boolean {
  return ownName(f, start, end) && !/[가-힣]/.test(f.text.charAt(start - 1));
}

/** What begins a line or follows a greeting. */
function greeted(f: Folded, start: number, end: number): boolean {
  const lead = f.lead(start).replace(/[ ,!.]+$/, "");
  return ownName(f, start, end) && (lead === "" || ["\n", "안녕하세요", "반갑습니다"].some((word) => lead.endsWith(word)));
}
