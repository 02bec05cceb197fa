// The head of a uwsgi packet: modifier1, the size of the variables (16 bits, little-endian), modifier2, and the variables, each a
// name and a value with their sizes in front. The body follows raw.

import type { MessageLimits } from "../http/limits.ts";
import { FAULTY, type GatewayFault, INCOMPLETE } from "./fault.ts";
import type { PacketReader } from "./packet-protocol.ts";
import { VariableList } from "./variable-list.ts";

const START_BYTES = 4;
const SIZE_BYTES = 2;
/** A request to a Python application; the same with SCRIPT_NAME to be taken off PATH_INFO. */
const REQUEST = 0;
const REQUEST_CUT = 30;

export class UwsgiReader implements PacketReader {
  fault: GatewayFault = "ERR_GATEWAY_SIZE";
  flat: readonly string[] = [];
  cutsPath = false;
  readonly #limits: MessageLimits;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  read(bytes: Buffer, from: number, to: number): number {
    if (to === from) return INCOMPLETE;
    const modifier = bytes[from];
    if (modifier !== REQUEST && modifier !== REQUEST_CUT) return this.#fail("ERR_UWSGI_MODIFIER");
    if (to - from < START_BYTES) return INCOMPLETE;
    if (bytes[from + 3] !== 0) return this.#fail("ERR_UWSGI_MODIFIER");
    const size = bytes.readUInt16LE(from + 1);
    if (size > this.#limits.headBytesMax) return this.#fail("ERR_GATEWAY_HEAD_TOO_LARGE");
    const end = from + START_BYTES + size;
    if (end > to) return INCOMPLETE;
    this.cutsPath = modifier === REQUEST_CUT;
    return this.#readVariables(bytes, from + START_BYTES, end) ? end : FAULTY;
  }

  #readVariables(bytes: Buffer, from: number, end: number): boolean {
    const text = bytes.toString("latin1", from, end);
    const list = new VariableList(this.#limits);
    for (let at = from; at < end; ) {
      const nameEnd = sizedEnd(bytes, at, end);
      const valueEnd = sizedEnd(bytes, nameEnd, end);
      if (valueEnd > end) {
        this.fault = "ERR_GATEWAY_SIZE";
        return false;
      }
      const name = text.slice(at + SIZE_BYTES - from, nameEnd - from);
      if (!list.add(name, text.slice(nameEnd + SIZE_BYTES - from, valueEnd - from))) {
        this.fault = list.fault;
        return false;
      }
      at = valueEnd;
    }
    this.flat = list.flat;
    return true;
  }

  #fail(fault: GatewayFault): number {
    this.fault = fault;
    return FAULTY;
  }
}

/** Where the sized text at `at` ends; Infinity when not even its size lies before `end`. */
function sizedEnd(bytes: Buffer, at: number, end: number): number {
  if (at + SIZE_BYTES > end) return Number.POSITIVE_INFINITY;
  return at + SIZE_BYTES + (bytes[at] as number) + 256 * (bytes[at + 1] as number); // both lie before end
}
