import type { SeededRandom } from "../../jobs/crash/seeded_random.ts";
import type { FuzzedRequest } from "./request_generator.ts";

/** A request as bytes, and whether they are one whole request that a server can tell the end of. */
export interface WireRequest {
  readonly bytes: Uint8Array;
  readonly isWhole: boolean;
}

const JUNK = [
  ...[
    "\r\n",
    "\n",
    "\0",
    "\x7f",
    "\t",
    " ",
    ":",
    "é",
    "GET / HTTP/1.1\r\n",
    "\r\nX: y",
    "HTTP/1.1",
  ],
  ...[
    "\r\nTransfer-Encoding: chunked",
    "\r\nContent-Length: 5",
    "\r\nHost: a b",
    "\r\nConnection: close",
  ],
  ...["\r\nExpect: 100-continue", "\r\nUpgrade: websocket\r\nConnection: upgrade", "\r\n folded"],
];

/** Frames a request as HTTP/1.1, now and then wrongly. */
export function toWire(random: SeededRandom, request: FuzzedRequest): WireRequest {
  const { method, path, headers, body } = request;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const content = body ?? new Uint8Array();
  const framing = random.below(6);
  // Bun closes the connection of a method that it doesn't know, without a word.
  let isWhole = !["BREW", "get"].includes(method);
  let sent: Uint8Array = content;
  if (framing === 0) {
    lines.push("Transfer-Encoding: chunked");
    // Bun takes no trailers: it answers 400, in the midst of another answer where that has begun.
    const hasTrailer = random.oneIn(10);
    isWhole &&= !hasTrailer;
    sent = toChunks(random, content, hasTrailer ? "Trailer: x\r\n" : "");
  } else if (body !== null) {
    const length = random.oneIn(12)
      ? random.pick(["-1", "1e3", "0x10", "", "99999999999999999999"])
      : content.length;
    lines.push(`Content-Length: ${length}`);
    isWhole &&= length === content.length;
  }
  if (!random.oneIn(15)) lines.unshift(`Host: ${random.oneIn(10) ? "a b" : "localhost"}`);
  const version = random.oneIn(30)
    ? random.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "", "http/1.1"])
    : "HTTP/1.1";
  let head = `${method} ${path.replaceAll(/[^!-~]/g, "")} ${version}\r\n${lines.join("\r\n")}\r\n\r\n`;
  if (random.oneIn(8)) {
    const at = random.below(head.length);
    head = head.slice(0, at) + random.pick(JUNK) + head.slice(at);
    isWhole = false;
  }
  const bytes = new Uint8Array([...Buffer.from(head, "latin1"), ...sent]);
  if (!random.oneIn(12)) return { bytes, isWhole };
  return { bytes: bytes.slice(0, random.below(bytes.length)), isWhole: false };
}

function toChunks(random: SeededRandom, content: Uint8Array, trailer: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < content.length; ) {
    const length = Math.min(1 + random.below(2_000), content.length - start);
    const extension = random.oneIn(10) ? ";x=y" : "";
    parts.push(Buffer.from(`${length.toString(16)}${extension}\r\n`));
    parts.push(content.subarray(start, start + length), Buffer.from("\r\n"));
    start += length;
  }
  parts.push(Buffer.from(`0\r\n${trailer}\r\n`));
  return Buffer.concat(parts);
}
