// SPDX-License-Identifier: Apache-2.0

import { Reading } from "./reader";

/** How long a page may show long text of which nothing is read as an answer. */
export const LOST_MS = 20_000;
/** How often that is looked at. */
export const HEALTH_MS = 5_000;

/** A line as long as this is prose; titles in a list of conversations are shorter. */
const PROSE_LINE = 40;
/** So much prose is an answer, or something like it. */
const PROSE = 400;

/** Not the conversation: menus, the input, what is linked. */
const AROUND = 'nav, aside, header, footer, form, a, [role="navigation"], [role="dialog"], [contenteditable="true"], [contenteditable=""]';

/** True for a page with more running text than menus and titles have. */
export function hasProse(body: Element): boolean {
  let prose = 0;
  for (const line of new Reading([body], AROUND).text.split("\n")) {
    if (line.length >= PROSE_LINE) prose += line.length;
  }
  return prose >= PROSE;
}

/**
 * Notices that a site has changed: its page has long text and has had for a
 * while, but none of it is read as an answer. It only counts time; what the
 * page is like is told to it.
 */
export class Health {
  private since: number | undefined;
  private address = "";

  /** True when the site's selectors no longer fit. `prose` is asked only when it matters. */
  lost(now: number, page: { address: string; read: boolean; prose: () => boolean }): boolean {
    if (page.address !== this.address) {
      this.address = page.address;
      this.since = undefined;
    }
    if (page.read || !page.prose()) this.since = undefined;
    else this.since ??= now;
    return this.since !== undefined && now - this.since >= LOST_MS;
  }
}
