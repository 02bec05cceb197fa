// The PROXY protocol's header, versions 1 (text) and 2 (binary): what a proxy says of a connection before anything else.
// (haproxy's proxy-protocol.txt.) The extensions of version 2 (TLVs: SSL, ALPN, authority, …) are stepped over.

import type { ErrorCode } from "../base/errors.ts";
import { parseAddress } from "../http/address-set.ts";

export type ProxyFault = Extract<ErrorCode, `ERR_PROXY_${string}`>;

/** Both ends, as the proxy saw them. Of a client on the proxy's own Unix socket all is empty. */
export interface ProxyAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export type ProxyReading =
  | { readonly type: "incomplete" }
  | { readonly type: "fault"; readonly code: ProxyFault }
  /** `addresses` undefined: the proxy speaks for itself (a health check), or does not know. */
  | { readonly type: "header"; readonly length: number; readonly addresses: ProxyAddresses | undefined };

/** "PROXY UNKNOWN" with two of the longest addresses and ports. */
const V1_BYTES_MAX = 107;
const V1_START = "PROXY ";
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_START_BYTES = 16;
/** Of addresses and extensions; a proxy that tells everything needs some hundred. */
const V2_REST_BYTES_MAX = 4_096;
/** No header is longer. */
export const PROXY_HEADER_BYTES_MAX: number = V2_START_BYTES + V2_REST_BYTES_MAX;

const INCOMPLETE: ProxyReading = { type: "incomplete" };
const NOBODY: ProxyAddresses = { remoteAddress: "", remotePort: 0, localAddress: "", localPort: 0 };

/** `bytes`: all that came so far, at least one. */
export function readProxyHeader(bytes: Buffer, accepts: "v1" | "v2" | "auto"): ProxyReading {
  const isBinary = accepts === "v2" || (accepts === "auto" && bytes[0] === V2_SIGNATURE[0]);
  return isBinary ? readV2(bytes) : readV1(bytes);
}

function readV1(bytes: Buffer): ProxyReading {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, V1_BYTES_MAX));
  const known = Math.min(text.length, V1_START.length);
  if (text.slice(0, known) !== V1_START.slice(0, known)) return fault("ERR_PROXY_MISSING");
  const end = text.indexOf("\r\n");
  if (end < 0) return text.length < V1_BYTES_MAX ? INCOMPLETE : fault("ERR_PROXY_SIZE");
  const line = text.slice(V1_START.length, end);
  const length = end + 2;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return header(length, undefined);
  const addresses = readV1Addresses(line.split(" "));
  return addresses === undefined ? fault("ERR_PROXY_ADDRESS") : header(length, addresses);
}

function readV1Addresses(words: readonly string[]): ProxyAddresses | undefined {
  const [family, remoteAddress = "", localAddress = "", remote = "", local = ""] = words;
  if (words.length !== 5 || (family !== "TCP4" && family !== "TCP6")) return undefined;
  const isOfFamily = (address: string): boolean =>
    address.includes(":") === (family === "TCP6") && isAddress(address);
  const remotePort = portOf(remote);
  const localPort = portOf(local);
  if (remotePort === undefined || localPort === undefined) return undefined;
  if (!isOfFamily(remoteAddress) || !isOfFamily(localAddress)) return undefined;
  return { remoteAddress, remotePort, localAddress, localPort };
}

function isAddress(text: string): boolean {
  return !text.includes("%") && parseAddress(text) !== undefined;
}

function portOf(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function readV2(bytes: Buffer): ProxyReading {
  const known = Math.min(bytes.length, V2_SIGNATURE.length);
  if (bytes.compare(V2_SIGNATURE, 0, known, 0, known) !== 0) return fault("ERR_PROXY_MISSING");
  if (bytes.length < V2_START_BYTES) return INCOMPLETE;
  const versionAndCommand = bytes[12] as number; // the start is whole
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1) return fault("ERR_PROXY_VERSION");
  const size = bytes.readUInt16BE(14);
  if (size > V2_REST_BYTES_MAX) return fault("ERR_PROXY_SIZE");
  const length = V2_START_BYTES + size;
  if (bytes.length < length) return INCOMPLETE;
  if (command === LOCAL) return header(length, undefined);
  return readV2Addresses(bytes.subarray(V2_START_BYTES, length), bytes[13] as number, length); // as above
}

const LOCAL = 0;
const FAMILY_UNSPECIFIED = 0;
const FAMILY_V4 = 1;
const FAMILY_V6 = 2;
const FAMILY_UNIX = 3;
const UNIX_PATH_BYTES = 108;

function readV2Addresses(rest: Buffer, familyAndTransport: number, length: number): ProxyReading {
  const family = familyAndTransport >> 4;
  if (family > FAMILY_UNIX || (familyAndTransport & 0x0f) > 2) return fault("ERR_PROXY_VERSION");
  if (family === FAMILY_UNSPECIFIED) return header(length, undefined);
  if (family === FAMILY_UNIX) {
    return rest.length < 2 * UNIX_PATH_BYTES ? fault("ERR_PROXY_SIZE") : header(length, NOBODY);
  }
  const size = family === FAMILY_V4 ? 4 : 16;
  if (rest.length < 2 * size + 4) return fault("ERR_PROXY_SIZE");
  const show = family === FAMILY_V6 ? showV6 : showV4;
  return header(length, {
    remoteAddress: show(rest, 0),
    remotePort: rest.readUInt16BE(2 * size),
    localAddress: show(rest, size),
    localPort: rest.readUInt16BE(2 * size + 2),
  });
}

function showV4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}

/** RFC 5952: the longest run of zero groups becomes "::"; a mapped IPv4 address is written as one. */
function showV6(bytes: Buffer, at: number): string {
  const isMapped =
    bytes.readUInt16BE(at + 10) === 0xffff && bytes.subarray(at, at + 10).every((b) => b === 0);
  if (isMapped) return showV4(bytes, at + 12);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(at + 2 * index));
  const run = longestZeros(groups);
  const show = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (run.count < 2) return show(groups);
  return `${show(groups.slice(0, run.at))}::${show(groups.slice(run.at + run.count))}`;
}

function longestZeros(groups: readonly number[]): { readonly at: number; readonly count: number } {
  let longest = { at: 0, count: 0 };
  for (let at = 0; at < groups.length; at++) {
    let count = 0;
    while (groups[at + count] === 0) count++;
    if (count > longest.count) longest = { at, count };
  }
  return longest;
}

function header(length: number, addresses: ProxyAddresses | undefined): ProxyReading {
  return { type: "header", length, addresses };
}

function fault(code: ProxyFault): ProxyReading {
  return { type: "fault", code };
}
