// SPDX-License-Identifier: Apache-2.0

import { askEngine } from "../messages";
import type { Engine } from "./engine";

const PAGE = "offscreen.html";

let creating: Promise<void> | undefined;

/**
 * Makes sure that the one document that may hold a Worker in Chrome is there.
 * Two requests that wake the background together must not both create it, and
 * a document outlives the background, so the browser is asked, not a variable.
 */
async function present(): Promise<void> {
  const contexts = await chrome.runtime.getContexts({
    contextTypes: [chrome.runtime.ContextType.OFFSCREEN_DOCUMENT],
    documentUrls: [chrome.runtime.getURL(PAGE)],
  });
  if (contexts.length > 0) return;
  creating ??= chrome.offscreen
    .createDocument({
      url: PAGE,
      reasons: [chrome.offscreen.Reason.WORKERS],
      justification: "Runs the checking engine (WebAssembly) in a Worker, so that nothing leaves this computer.",
    })
    .finally(() => (creating = undefined));
  await creating;
}

/** The engine in Chrome's offscreen document, reached from the service worker. */
export class OffscreenEngine implements Engine {
  async check(request: Parameters<Engine["check"]>[0]): ReturnType<Engine["check"]> {
    await present();
    return askEngine("check", request);
  }

  async card(request: Parameters<Engine["card"]>[0]): ReturnType<Engine["card"]> {
    await present();
    return askEngine("card", request);
  }

  async update(answered: Parameters<Engine["update"]>[0]): ReturnType<Engine["update"]> {
    await present();
    return askEngine("update", answered);
  }

  async state(): ReturnType<Engine["state"]> {
    await present();
    return askEngine("state", null);
  }

  async sites(): ReturnType<Engine["sites"]> {
    await present();
    return askEngine("sites", null);
  }
}
