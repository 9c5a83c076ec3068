// SPDX-License-Identifier: Apache-2.0
// Written by wasm/abi/gen from the Go package wasm/abi; do not edit.

export const ABI_VERSION = 3;

export type Lang = "ko" | "en" | "ja" | "zh";
export type Tier = "A" | "B" | "C";
export type Verdict = "distortion" | "one-sided" | "framing";
export type Stance = "asserts" | "reports" | "refutes" | "asks" | "accurate" | "unrelated";

export interface Loaded {
  model: string;
  labels: string[];
}

export interface Ruled {
  rules: number;
  hash: string;
  prepared: boolean;
}

export interface Indexed {
  index: number;
}

export interface Site {
  id: string;
  name: string;
  verified: string;
  matches: string[];
  answer: string[];
  body: string[];
  question?: string[];
  skip?: string[];
  busy?: string[];
  done?: string[];
}

export interface Updated {
  sequence: number;
  release: string;
  created: string;
  expires: string;
  checked: string;
  log: number;
  hash: string;
  rules: number;
  pack: string;
  memory: string;
  sites: Site[];
}

export interface Finding {
  quote: string;
  start: number;
  end: number;
  rule: string;
  proposition: string;
  verdict: Verdict;
  tier: Tier;
  score: number;
  stance?: Record<Stance, number>;
}

export interface Checked {
  findings: Finding[];
  model: string;
  rules: string;
  sequence: number;
  degraded: boolean;
}

export interface Classified {
  logits: number[][];
}

export interface Source {
  title: string;
  publisher: string;
  year: number;
  url: string;
  lang: string;
}

export interface CardPosition {
  holder: string;
  text: string;
}

export interface Card {
  rule: string;
  proposition: string;
  tier: Tier;
  verdict: Verdict;
  title: string;
  claim: string;
  correction: string;
  positions: CardPosition[];
  sources: Source[];
  rules: string;
  sequence: number;
  model: string;
}

export interface Info {
  abi: number;
  rules: number;
  hash: string;
  sequence: number;
  model: string;
  degraded: boolean;
}

