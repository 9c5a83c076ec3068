// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from "../engine/abi";

/** Ends of the highlights' names; highlight.css draws them. */
const ENDS: Record<Verdict, string> = { distortion: "-distortion", "one-sided": "-one-sided", framing: "-framing" };
const ACTIVE = "-active";
/** A sentence that somebody was just led to. */
const POINTED = "haechi-pointed";
/** Long enough to find it in a full page; it stands still, for those whom movement disturbs. */
const POINTED_MS = 2_500;

/**
 * Marks ranges without touching the page's elements: frameworks that find a
 * foreign node in their tree break, so the browser is told what to draw.
 */
export class Highlights {
  /** The ranges of each highlight are kept here too: Firefox lets no content script iterate over a Highlight. */
  private readonly drawn = new Map<string, { highlight: Highlight; ranges: Set<Range> }>();
  private pointing: ReturnType<typeof setTimeout> | undefined;

  /** `prefix` keeps two sets of marks in one page apart. */
  constructor(private readonly prefix: "haechi" | "haechi-selection" = "haechi") {}

  private get names(): string[] {
    return Object.values(ENDS).map((end) => this.prefix + end);
  }

  private nameOf(verdict: Verdict): string {
    return this.prefix + ENDS[verdict];
  }

  /** Brings one sentence forward: the one whose card is open. */
  bringForward(mark: { finding: { verdict: Verdict }; range: Range } | undefined): void {
    for (const name of this.names) CSS.highlights.delete(name + ACTIVE);
    if (!mark) return;
    const highlight = new Highlight(mark.range);
    highlight.priority = 1;
    CSS.highlights.set(this.nameOf(mark.finding.verdict) + ACTIVE, highlight);
  }

  /** Lights one sentence up for a moment. */
  point(range: Range): void {
    clearTimeout(this.pointing);
    const highlight = new Highlight(range);
    highlight.priority = 2;
    CSS.highlights.set(POINTED, highlight);
    this.pointing = setTimeout(() => CSS.highlights.delete(POINTED), POINTED_MS);
  }

  draw(marks: readonly { verdict: Verdict; range: Range }[]): void {
    for (const name of this.names) {
      const wanted = new Set(marks.filter(({ verdict }) => this.nameOf(verdict) === name).map(({ range }) => range));
      const { highlight, ranges } = this.drawn.get(name) ?? { highlight: new Highlight(), ranges: new Set<Range>() };
      this.drawn.set(name, { highlight, ranges: wanted });
      for (const range of ranges) if (!wanted.has(range)) highlight.delete(range);
      for (const range of wanted) if (!ranges.has(range)) highlight.add(range);
      if (CSS.highlights.get(name) !== highlight) CSS.highlights.set(name, highlight);
    }
  }

  clear(): void {
    this.bringForward(undefined);
    clearTimeout(this.pointing);
    CSS.highlights.delete(POINTED);
    for (const name of this.drawn.keys()) CSS.highlights.delete(name);
    this.drawn.clear();
  }
}
