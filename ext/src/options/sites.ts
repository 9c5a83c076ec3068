// SPDX-License-Identifier: Apache-2.0

/** The hosts of match patterns such as "https://chatgpt.com/*", each once, in order. */
export function siteNames(matches: readonly string[]): string[] {
  const hosts = matches.map((match) => /^[^:]+:\/\/([^/]+)\//.exec(match)?.[1]);
  return [...new Set(hosts.filter((host) => host !== undefined))];
}
