// SPDX-License-Identifier: Apache-2.0

import { chatgpt } from "./chatgpt";
import { deepseek } from "./deepseek";
import type { Site } from "./site";

const SITES: readonly Site[] = [chatgpt, deepseek];

/** Set by the build: true only in the package that also reads the local replica. */
declare const DEV: boolean;

/** The site that a page belongs to; undefined where there is nothing to read. */
export function siteOf(location: { hostname: string; pathname: string }): Site | undefined {
  const site = SITES.find(({ hosts }) => hosts.includes(location.hostname));
  if (site || !DEV) return site;
  const local = location.hostname === "127.0.0.1" || location.hostname === "localhost";
  return local ? SITES.find(({ id }) => location.pathname.startsWith(`/replica/${id}`)) : undefined;
}
