// A client's opening handshake (RFC 6455 §4.2.1), read strictly, and the response that completes it (§4.2.2).

import { createHash } from "node:crypto";
import type { RequestHead } from "../http/exchange.ts";
import type { Fields } from "../http/fields.ts";
import { DEFLATE } from "./ws-deflate.ts";
import { type OfferParameters, wsPackage } from "./ws-package.ts";

export interface Handshake {
  readonly key: string;
  readonly subprotocols: readonly string[];
  readonly deflateOffers: readonly OfferParameters[];
}

/** How a handshake is answered that cannot be accepted. */
export interface HandshakeFault {
  readonly status: 400 | 403 | 426;
  readonly detail: string;
  /** Ready-made header lines. */
  readonly lines: string;
}

const VERSION = "13";
/** RFC 6455 §1.3. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Sixteen bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** RFC 9110 §15.5.22: what to upgrade to; RFC 6455 §4.4: which version. */
const VERSION_LINE = `Sec-WebSocket-Version: ${VERSION}\r\n`;
const UPGRADE_LINES = `Upgrade: websocket\r\nConnection: Upgrade\r\n${VERSION_LINE}`;
const NO_OFFERS: readonly OfferParameters[] = [];

/** True when the value of an Upgrade field, in lower case, names WebSocket. */
export function namesWebSocket(upgrade: string): boolean {
  return upgrade === "websocket" || upgrade.split(",").some((protocol) => protocol.trim() === "websocket");
}

/** `origins`: those that are allowed, in lower case; empty or "*" allows all. */
export function readHandshake(head: RequestHead, origins: readonly string[]): Handshake | HandshakeFault {
  const { fields } = head;
  if (head.method !== "GET") return bad("A WebSocket begins with a GET request.");
  if (head.bodyLength !== 0) return bad("A WebSocket handshake has no body.");
  if (!isOnly(fields, "sec-websocket-version", VERSION)) return otherVersion(UPGRADE_LINES);
  const keys = fields.all("sec-websocket-key");
  const key = keys[0] ?? "";
  if (keys.length !== 1 || !KEY.test(key)) return bad("Sec-WebSocket-Key is not a key.");
  if (!isAllowedOrigin(fields, origins)) return otherOrigin();
  return readLists(fields, key);
}

/** RFC 8441 §5: on HTTP/2 there is neither a key nor an upgrade. */
export function readExtendedConnect(
  head: RequestHead,
  origins: readonly string[],
): Handshake | HandshakeFault {
  const { fields } = head;
  if (!isOnly(fields, "sec-websocket-version", VERSION)) return otherVersion(VERSION_LINE);
  return isAllowedOrigin(fields, origins) ? readLists(fields, "") : otherOrigin();
}

export function isFault(result: Handshake | HandshakeFault): result is HandshakeFault {
  return "status" in result;
}

/** The value of Sec-WebSocket-Accept. */
export function acceptValue(key: string): string {
  return createHash("sha1")
    .update(key + KEY_SUFFIX)
    .digest("base64");
}

function readLists(fields: Fields, key: string): Handshake | HandshakeFault {
  const protocols = fields.all("sec-websocket-protocol");
  const extensions = fields.all("sec-websocket-extensions");
  const subprotocols = protocols.length === 0 ? [] : parseSubprotocols(protocols.join(","));
  if (subprotocols === undefined) return bad("Sec-WebSocket-Protocol is not a list of different tokens.");
  const deflateOffers = extensions.length === 0 ? NO_OFFERS : parseDeflateOffers(extensions.join(","));
  if (deflateOffers === undefined) return bad("Sec-WebSocket-Extensions is malformed.");
  return { key, subprotocols, deflateOffers };
}

function parseSubprotocols(value: string): readonly string[] | undefined {
  try {
    return [...wsPackage().subprotocol.parse(value)];
  } catch {
    return undefined; // not such a list: the caller answers 400
  }
}

function parseDeflateOffers(value: string): readonly OfferParameters[] | undefined {
  try {
    return wsPackage().extension.parse(value)[DEFLATE] ?? NO_OFFERS;
  } catch {
    return undefined; // malformed: the caller answers 400
  }
}

/** Only browsers send Origin, and they always do: who sends none cannot be abused by another's page (RFC 6455 §10.2). */
function isAllowedOrigin(fields: Fields, origins: readonly string[]): boolean {
  if (origins.length === 0 || origins.includes("*")) return true;
  const sent = fields.all("origin");
  return sent.every((origin) => origins.includes(origin.toLowerCase()));
}

function isOnly(fields: Fields, lowerName: string, value: string): boolean {
  const values = fields.all(lowerName);
  return values.length === 1 && values[0] === value;
}

function otherVersion(lines: string): HandshakeFault {
  return { status: 426, detail: "Only WebSocket version 13 is spoken here.", lines };
}

function otherOrigin(): HandshakeFault {
  return { status: 403, detail: "This origin may not open a WebSocket here.", lines: "" };
}

function bad(detail: string): HandshakeFault {
  return { status: 400, detail, lines: "" };
}
