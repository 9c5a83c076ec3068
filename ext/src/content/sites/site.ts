// SPDX-License-Identifier: Apache-2.0

/**
 * How to find the assistant's words on a site. Flat data with a date, because
 * sites change and whoever mends it must know how old the evidence is.
 */
export interface Site {
  id: string;
  hosts: string[];
  /** When the selectors were last compared with public evidence of the site. */
  verified: string;
  /** One assistant answer; everything about it is read below this element. */
  answer: string;
  /** What holds an answer's text: the first that matches; "" is the answer itself. */
  body: string[];
  /** One user turn; the last one before an answer is its question. */
  question: string;
  /** Parts that are not the answer's own words: thinking, citations, widgets. */
  skip: string[];
  /** Stands somewhere in the page while an answer is being written. */
  streaming: string;
}
