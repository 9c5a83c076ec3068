// SPDX-License-Identifier: Apache-2.0

import type { Site } from "./site";

/**
 * Thinking is a .ds-markdown too, but inside .ds-think-content. A user's turn
 * has no class of its own: it is the .ds-message without either.
 */
export const deepseek: Site = {
  id: "deepseek",
  hosts: ["chat.deepseek.com"],
  verified: "2026-11-24",
  answer: ".ds-message:has(.ds-markdown)",
  body: [".ds-assistant-message-main-content", ".ds-markdown"],
  question: ".ds-message:not(:has(.ds-markdown)):not(:has(.ds-think-content))",
  skip: [".ds-think-content", ".ds-markdown-cite", ".md-code-block-banner", ".katex-mathml"],
  streaming: ".ds-loading",
};
