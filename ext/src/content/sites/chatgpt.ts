// SPDX-License-Identifier: Apache-2.0

import type { Site } from "./site";

export const chatgpt: Site = {
  id: "chatgpt",
  hosts: ["chatgpt.com", "chat.openai.com"],
  verified: "2026-11-24",
  answer: '[data-message-author-role="assistant"]',
  body: [".markdown", ""],
  question: '[data-message-author-role="user"]',
  skip: [
    '[data-testid="webpage-citation-pill"]',
    '[data-testid*="thought"]',
    '[data-testid*="reasoning"]',
    ".katex-mathml",
  ],
  streaming: '[data-testid="stop-button"]',
};
