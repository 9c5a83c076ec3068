// SPDX-License-Identifier: Apache-2.0

import type { Site } from "../../engine/abi";

/** The sites that came with the package (rules/sites), set by the build. */
declare const SITES: readonly Site[];
/** Set by the build: true only in the package that also reads the local replica. */
declare const DEV: boolean;

/** The sites of the rules in use; the packaged ones while those name none. */
export function sitesInUse(stored: unknown): readonly Site[] {
  const sites = Array.isArray(stored) ? stored.filter(isSite) : [];
  return sites.length > 0 ? sites : SITES;
}

/** The site that a page belongs to; undefined where there is nothing to read. */
export function siteOf(location: Pick<Location, "protocol" | "hostname" | "pathname" | "search">, sites: readonly Site[]): Site | undefined {
  const { protocol, hostname, pathname, search } = location;
  const address = `${protocol}//${hostname}${pathname}${search}`;
  const site = sites.find(({ matches }) => matches.some((pattern) => matchesPattern(pattern, address)));
  if (site || !DEV) return site;
  const local = hostname === "127.0.0.1" || hostname === "localhost";
  return local ? sites.find(({ id }) => pathname.startsWith(`/replica/${id}`)) : undefined;
}

/** True if two sites say the same; storage gives fields back in an order of its own. */
export function sameSite(one: Site | undefined, other: Site | undefined): boolean {
  const sorted = (site: Site | undefined): string => (site ? JSON.stringify(site, Object.keys(site).sort()) : "");
  return sorted(one) === sorted(other);
}

/** A pattern is an address in which * stands for anything; its host is whole. */
function matchesPattern(pattern: string, address: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === address;
  if (!address.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const part of rest) {
    const found = address.indexOf(part, at); // the leftmost is enough: work stays linear
    if (found < 0) return false;
    at = found + part.length;
  }
  return address.length - last.length >= at && address.endsWith(last);
}

const strings = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === "string");

/** What lies in storage may have been written by an older version of the extension. */
function isSite(value: unknown): value is Site {
  if (typeof value !== "object" || value === null) return false;
  const { id, matches, answer, body, question = [], skip = [], busy = [], done = [] } = value as Partial<Site>;
  return typeof id === "string" && [matches, answer, body, question, skip, busy, done].every(strings);
}
