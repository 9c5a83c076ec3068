// SPDX-License-Identifier: Apache-2.0

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * The address of a rule server's socket, or of a mirror's files, as it is used,
 * or undefined for one that must
 * not be: rules are signed, but who asks for them is nobody's business on the
 * way, so without TLS only this machine itself may be asked.
 */
export function serverAddress(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  const plain = url.protocol === "ws:" || url.protocol === "http:";
  const safe = url.protocol === "wss:" || url.protocol === "https:" || (plain && LOOPBACK.has(url.hostname));
  return safe ? url.href : undefined;
}
