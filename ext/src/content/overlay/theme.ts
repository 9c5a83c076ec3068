// SPDX-License-Identifier: Apache-2.0

/** True where the page is dark, whatever the system prefers: sites have switches of their own. */
export function pageIsDark(): boolean {
  for (const element of [document.body, document.documentElement]) {
    if (!element) continue;
    const channels = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(getComputedStyle(element).backgroundColor);
    if (!channels || Number(channels[4] ?? 1) < 0.5) continue;
    const [red, green, blue] = channels.slice(1, 4).map(Number) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
