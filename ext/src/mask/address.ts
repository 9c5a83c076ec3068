// SPDX-License-Identifier: Apache-2.0

/** The part of Go's net/netip that the twin of server/review/mask needs. */

/** What kind of IP address a text is; undefined if it is none. */
export function addressOf(text: string): { v4: boolean; own: boolean } | undefined {
  const v4 = parts4(text);
  if (v4) return { v4: true, own: isOwn4(v4) };
  const v6 = groups6(text);
  if (!v6) return undefined;
  const front = v6.slice(0, 5).every((group) => group === 0);
  const [, , , , , mapped = 0, high = 0, low = 0] = v6;
  // An IPv4 address in IPv6 form is loopback as that; ::1 and :: are this machine's own.
  if (front && mapped === 0xffff) return { v4: false, own: high >> 8 === 127 };
  return { v4: false, own: front && mapped === 0 && high === 0 && low <= 1 };
}

/** Loopback, or no address at all. */
function isOwn4([first = 0, ...rest]: number[]): boolean {
  return first === 127 || (first === 0 && rest.every((part) => part === 0));
}

function parts4(text: string): number[] | undefined {
  if (!/^(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  return parts.every((part) => part <= 255) ? parts : undefined;
}

function groups6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half, i) => groups(half, i === halves.length - 1));
  if (!front || (halves.length === 2 && !back)) return undefined;
  if (!back) return front.length === 8 ? front : undefined;
  const missing = 8 - front.length - back.length;
  return missing >= 1 ? [...front, ...new Array<number>(missing).fill(0), ...back] : undefined;
}

/** Groups between colons; an IPv4 address may be the last two. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const out: number[] = [];
  const words = text.split(":");
  for (const [i, word] of words.entries()) {
    const v4 = last && i === words.length - 1 && word.includes(".") ? parts4(word) : undefined;
    if (v4) {
      const [a = 0, b = 0, c = 0, d = 0] = v4;
      out.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/i.test(word)) out.push(parseInt(word, 16));
    else return undefined;
  }
  return out;
}
