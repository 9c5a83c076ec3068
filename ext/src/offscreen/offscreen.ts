// SPDX-License-Identifier: Apache-2.0

/** The document that holds the engine in Chrome; it hears nobody but the background. */

import { packagedEngine } from "../engine/packaged";
import { dispatch, isEnvelope, isOwn, type EngineRequests, type Handlers } from "../messages";

const engine = packagedEngine();

const handlers: Handlers<EngineRequests> = {
  check: (request) => engine.check(request),
  card: (request) => engine.card(request),
  update: (answered) => engine.update(answered),
  state: () => engine.state(),
  sites: () => engine.sites(),
};

chrome.runtime.onMessage.addListener((message: unknown, sender, respond) => {
  if (!isEnvelope(message, "engine") || !isOwn(sender)) return false;
  const answer = dispatch(handlers, message, sender);
  if (!answer) return false;
  void answer.then(respond);
  return true; // the answer comes later
});
