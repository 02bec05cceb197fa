// The head of an SCGI request: a netstring of names and values, each ended by NUL, that begins with CONTENT_LENGTH and holds
// SCGI=1. The body follows raw.

import type { MessageLimits } from "../http/limits.ts";
import { FAULTY, type GatewayFault, INCOMPLETE } from "./fault.ts";
import type { PacketReader } from "./packet-protocol.ts";
import { VariableList } from "./variable-list.ts";

/** Digits of a netstring's length: more than any limit. */
const LENGTH_DIGITS_MAX = 9;
const DIGIT_0 = 0x30;
const COLON = 0x3a;
const COMMA = 0x2c;

export class ScgiReader implements PacketReader {
  fault: GatewayFault = "ERR_SCGI_HEAD";
  flat: readonly string[] = [];
  readonly cutsPath = false;
  readonly #limits: MessageLimits;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  read(bytes: Buffer, from: number, to: number): number {
    let length = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number; // at < to
      if (byte === COLON && at > from) return this.#readString(bytes, { start: at + 1, length, to });
      const digit = byte - DIGIT_0;
      const isPadded = at > from && length === 0; // 0 has no digits behind it
      if (digit < 0 || digit > 9 || isPadded || at - from >= LENGTH_DIGITS_MAX)
        return this.#fail("ERR_SCGI_HEAD");
      length = length * 10 + digit;
    }
    return INCOMPLETE;
  }

  #readString(bytes: Buffer, string: { start: number; length: number; to: number }): number {
    const { start, length, to } = string;
    if (length > this.#limits.headBytesMax) return this.#fail("ERR_GATEWAY_HEAD_TOO_LARGE");
    const end = start + length;
    if (to <= end) return INCOMPLETE;
    if (bytes[end] !== COMMA) return this.#fail("ERR_SCGI_HEAD");
    return this.#readVariables(bytes.toString("latin1", start, end)) ? end + 1 : FAULTY;
  }

  #readVariables(text: string): boolean {
    const list = new VariableList(this.#limits);
    for (let at = 0; at < text.length; ) {
      const nameEnd = text.indexOf("\0", at);
      const valueEnd = nameEnd < 0 ? -1 : text.indexOf("\0", nameEnd + 1);
      if (valueEnd < 0) return this.#fail("ERR_GATEWAY_SIZE") >= 0;
      if (!list.add(text.slice(at, nameEnd), text.slice(nameEnd + 1, valueEnd))) {
        return this.#fail(list.fault) >= 0;
      }
      at = valueEnd + 1;
    }
    const { flat } = list;
    const isScgi = flat[0] === "CONTENT_LENGTH" && flat[1] !== "" && valueNamed(flat, "SCGI") === "1";
    this.flat = flat;
    return isScgi || this.#fail("ERR_SCGI_HEAD") >= 0;
  }

  #fail(fault: GatewayFault): number {
    this.fault = fault;
    return FAULTY;
  }
}

function valueNamed(flat: readonly string[], name: string): string | undefined {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
  return undefined;
}
