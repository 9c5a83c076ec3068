// SPDX-License-Identifier: Apache-2.0

import type { Site } from "./engine/abi";

/**
 * What lies in chrome.storage.local. Content scripts read it and hear its
 * changes, which is how new rules reach every tab even when the background
 * died in between; so nothing secret may lie here.
 */

import type { Channel } from "./sync/wire";

export const DEFAULT_SERVER = "ws://127.0.0.1:8787/v1/sync";

export interface Settings {
  /** Off: pages are neither read nor marked. */
  on: boolean;
  /** A server's socket (ws:, wss:) or a mirror's files (http:, https:). */
  server: string;
  /** Which releases to take. */
  channel: Channel;
  /** Hash of the rules in use; changes after they have been verified and stored. */
  rules: string;
  /** The sites of those rules, set together with the hash; none: those of the package. */
  sites: Site[];
}

const DEFAULTS: Settings = { on: true, server: DEFAULT_SERVER, channel: "stable", rules: "", sites: [] };

export async function settings(): Promise<Settings> {
  return (await chrome.storage.local.get({ ...DEFAULTS })) as unknown as Settings;
}

export async function set(change: Partial<Settings>): Promise<void> {
  await chrome.storage.local.set(change);
}

/** Calls back with what changed; returns how to stop. */
export function onChange(listener: (change: Partial<Settings>) => void): () => void {
  const heard = (changes: Record<string, chrome.storage.StorageChange>, area: string): void => {
    if (area !== "local") return;
    const change: Partial<Settings> = {};
    if (changes["on"]) change.on = (changes["on"].newValue as boolean | undefined) ?? DEFAULTS.on;
    if (changes["server"]) change.server = (changes["server"].newValue as string | undefined) ?? DEFAULTS.server;
    if (changes["channel"]) change.channel = (changes["channel"].newValue as Channel | undefined) ?? DEFAULTS.channel;
    if (changes["rules"]) change.rules = (changes["rules"].newValue as string | undefined) ?? DEFAULTS.rules;
    if (Object.keys(change).length > 0) listener(change);
  };
  chrome.storage.onChanged.addListener(heard);
  return () => chrome.storage.onChanged.removeListener(heard);
}
