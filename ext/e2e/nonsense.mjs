// SPDX-License-Identifier: Apache-2.0

/** A WebSocket server that takes every connection and speaks nonsense. */

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function textFrame(text) {
  const data = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, data.length]), data]); // up to 125 bytes
}

export async function serveNonsense(...words) {
  let calls = 0;
  const sockets = new Set();
  const server = createServer();
  server.on("upgrade", (request, socket) => {
    calls++;
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + MAGIC).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    for (const word of words) socket.write(textFrame(word));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    sync: `ws://127.0.0.1:${server.address().port}/v1/sync`,
    calls: () => calls,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
