// SPDX-License-Identifier: Apache-2.0

/**
 * A rule server that lies: it speaks the protocol of server/wire with the
 * frames of a real one, and lets a test twist what it says.
 */

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x1;
const BEAT_MS = 500;

/** One whole text message of any length, as a server sends it: without a mask. */
function textFrame(text) {
  const data = Buffer.from(text);
  const length = Buffer.alloc(data.length < 126 ? 1 : data.length < 1 << 16 ? 3 : 9);
  length[0] = { 1: data.length, 3: 126, 9: 127 }[length.length];
  if (length.length === 3) length.writeUInt16BE(data.length, 1);
  if (length.length === 9) length.writeBigUInt64BE(BigInt(data.length), 1);
  return Buffer.concat([Buffer.from([0x80 | TEXT]), length, data]);
}

/** Calls back with each text message of a browser; its frames are masked and below 64 KiB here. */
function eachText(socket, heard) {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const long = (rest[1] & 0x7f) === 126 ? 2 : 0;
      if (rest.length < 6 + long) return;
      const length = long ? rest.readUInt16BE(2) : rest[1] & 0x7f;
      const from = 6 + long;
      if (rest.length < from + length) return;
      const mask = rest.subarray(from - 4, from);
      const data = rest.subarray(from, from + length).map((byte, i) => byte ^ mask[i % 4]);
      if ((rest[0] & 0x0f) === TEXT) heard(data.toString());
      rest = rest.subarray(from + length);
    }
  });
}

/**
 * What a test may change. Everything that is left out is as the real server
 * has it.
 * @typedef {object} Twist
 * @property {(say: (text: string) => void) => void} [greet] takes a connection over
 * @property {number} [refuse] answers every wish for a socket with this status
 * @property {(frame: object) => object} [head] what is said of the newest release
 * @property {(frame: object) => object} [frame] each frame of an answer; of HTTP too
 * @property {boolean} [mute] beats, but never brings what it was asked for
 * @property {(response: import("node:http").ServerResponse, path: string) => void} [file] takes a file over
 */
export class Rogue {
  /** How often a socket was asked for. */
  calls = 0;
  /** The types of the frames that clients sent. */
  asked = [];
  /** Path and status of each file that was asked for. */
  files = [];
  sockets = new Set();

  /** @param {string} upstream the real server's address  @param {Twist} twist */
  static async start(upstream, twist = {}) {
    const rogue = new Rogue();
    rogue.upstream = upstream;
    rogue.twist = twist;
    rogue.server = createServer((request, response) => void rogue.serve(request, response).catch(() => response.destroy()));
    rogue.server.on("upgrade", (request, socket) => rogue.take(request, socket));
    await new Promise((resolve) => rogue.server.listen(0, "127.0.0.1", resolve));
    return rogue;
  }

  /** The address that a mirror would have. */
  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  get sync() {
    return `ws://127.0.0.1:${this.server.address().port}/v1/sync`;
  }

  async close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  take(request, socket) {
    this.calls++;
    this.sockets.add(socket);
    let beat;
    socket.on("error", () => undefined).on("close", () => (this.sockets.delete(socket), clearInterval(beat)));
    if (this.twist.refuse) {
      socket.end(`HTTP/1.1 ${this.twist.refuse} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + MAGIC).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const say = (text) => socket.writable && socket.write(textFrame(text));
    if (this.twist.greet) {
      this.twist.greet(say);
      return;
    }
    beat = setInterval(() => say('{"type":"heartbeat"}'), BEAT_MS);
    eachText(socket, (text) => void this.answer(JSON.parse(text), say).catch(() => socket.destroy()));
  }

  async answer(frame, say) {
    this.asked.push(frame.type);
    if (frame.type === "hello") {
      say(await this.read(`/v1/${frame.channel}/head.json`));
      return;
    }
    if (this.twist.mute) return;
    const log = await this.read(`/v1/log/${frame.log}.json`);
    const update = frame.to === frame.sequence ? undefined : await this.update(frame);
    say(log);
    if (update) say(update);
  }

  async update({ type, sequence, to }) {
    const delta = type === "since" ? await this.read(`/v1/delta/${sequence}-${to}.json`) : undefined;
    return delta ?? this.read(`/v1/snapshot/${to}.json`);
  }

  /** A frame of the real server, twisted; undefined where it has none. */
  async read(path) {
    const response = await fetch(this.upstream + path);
    return response.ok ? this.twisted(await response.text()) : undefined;
  }

  twisted(text) {
    const frame = JSON.parse(text);
    const change = frame.type === "head" ? this.twist.head : this.twist.frame;
    return change ? JSON.stringify(change(frame)) : text;
  }

  async serve(request, response) {
    const { url: path, headers } = request;
    if (this.twist.file) {
      this.files.push({ path });
      this.twist.file(response, path);
      return;
    }
    const tag = headers["if-none-match"];
    const real = await fetch(this.upstream + path, { cache: "no-store", headers: tag ? { "if-none-match": tag } : {} });
    this.files.push({ path, status: real.status });
    const etag = real.headers.get("etag");
    response.writeHead(real.status, { "content-type": "application/json", "cache-control": "no-cache", ...(etag ? { etag } : {}) });
    const text = await real.text();
    response.end(real.ok ? this.twisted(text) : "");
  }
}
