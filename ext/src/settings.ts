// SPDX-License-Identifier: Apache-2.0

import type { Site } from "./engine/abi";

/**
 * What lies in chrome.storage.local. Content scripts read it and hear its
 * changes, which is how new rules reach every tab even when the background
 * died in between; so nothing secret may lie here.
 */

import type { Dismissed } from "./store/dismissals";
import type { Channel } from "./sync/wire";
import type { Language } from "./words";

export const DEFAULT_SERVER = "ws://127.0.0.1:8787/v1/sync";

/** How sure the engine must be before a sentence is marked. */
export type Sensitivity = "all" | "sure" | "surest";

/**
 * The lowest score that is still marked. The engine has thresholds of its own,
 * about 0.84 and higher, and never tells of what is below them: `all` is these.
 */
export const LOWEST_SCORE: Record<Sensitivity, number> = { all: 0, sure: 0.97, surest: 0.99 };

export interface Settings {
  /** Off: pages are neither read nor marked. */
  on: boolean;
  /** A server's socket (ws:, wss:) or a mirror's files (http:, https:). */
  server: string;
  /** Which releases to take; preview comes earlier and is less tried. */
  channel: Channel;
  /** Hash of the rules in use; changes after they have been verified and stored. */
  rules: string;
  /** The sites of those rules, set together with the hash; none: those of the package. */
  sites: Site[];
  language: Language;
  /** The tiers that are marked, such as "AB"; empty: none. */
  tiers: string;
  sensitivity: Sensitivity;
  /** Hosts that are not read. */
  sitesOff: string[];
  /** How long findings are kept on this machine; 0: nothing is kept. */
  keepDays: number;
  dismissed: Dismissed;
}

const DEFAULTS: Settings = {
  on: true,
  server: DEFAULT_SERVER,
  channel: "stable",
  rules: "",
  sites: [],
  language: "auto",
  tiers: "AB",
  sensitivity: "all",
  sitesOff: [],
  keepDays: 30,
  dismissed: {},
};

export async function settings(): Promise<Settings> {
  const stored = await chrome.storage.local.get({ ...DEFAULTS });
  return Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, sound(key as keyof Settings, stored[key])])) as unknown as Settings;
}

/** What may lie in a setting that is a word of a few. */
const KNOWN: Partial<Record<keyof Settings, RegExp>> = {
  channel: /^(stable|preview)$/,
  language: /^(auto|ko|en|ja|zh)$/,
  sensitivity: /^(all|sure|surest)$/,
  tiers: /^[ABC]*$/,
};

/** A value as it was stored, or the default where what lies there is of another kind: a damaged setting must not stop the rest. */
function sound<K extends keyof Settings>(key: K, value: unknown): Settings[K] {
  const usual = DEFAULTS[key];
  const alike = typeof value === typeof usual && Array.isArray(value) === Array.isArray(usual) && value !== null;
  return alike && (KNOWN[key]?.test(String(value)) ?? true) ? (value as Settings[K]) : usual;
}

export async function set(change: Partial<Settings>): Promise<void> {
  await chrome.storage.local.set(change);
}

/** Calls back with what changed; returns how to stop. */
export function onChange(listener: (change: Partial<Settings>) => void): () => void {
  const heard = (changes: Record<string, chrome.storage.StorageChange>, area: string): void => {
    if (area !== "local") return;
    const mine = Object.entries(changes).filter(([key]) => Object.hasOwn(DEFAULTS, key));
    const change = mine.map(([key, { newValue }]) => [key, sound(key as keyof Settings, newValue)]);
    if (change.length > 0) listener(Object.fromEntries(change) as Partial<Settings>);
  };
  chrome.storage.onChanged.addListener(heard);
  return () => chrome.storage.onChanged.removeListener(heard);
}
