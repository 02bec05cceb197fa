// FastCGI's name-value pairs: both lengths in front, of one byte up to 127, else of four with the first bit set.

import type { MessageLimits } from "../http/limits.ts";
import type { GatewayFault } from "./fault.ts";
import { VariableList } from "./variable-list.ts";

const LONG = 0x80;

/** All pairs of a whole stream, or why they are refused. */
export function readPairs(bytes: Buffer, limits: MessageLimits): readonly string[] | GatewayFault {
  const text = bytes.toString("latin1");
  const list = new VariableList(limits);
  for (let at = 0; at < bytes.length; ) {
    const valueSizeAt = at + sizeBytes(bytes, at);
    const start = valueSizeAt + sizeBytes(bytes, valueSizeAt);
    if (start > bytes.length) return "ERR_GATEWAY_SIZE";
    const nameEnd = start + sizeAt(bytes, at);
    const valueEnd = nameEnd + sizeAt(bytes, valueSizeAt);
    if (valueEnd > bytes.length) return "ERR_GATEWAY_SIZE";
    if (!list.add(text.slice(start, nameEnd), text.slice(nameEnd, valueEnd))) return list.fault;
    at = valueEnd;
  }
  return list.flat;
}

function sizeBytes(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) < LONG ? 1 : 4;
}

/** To be asked when all bytes of the size are there. */
function sizeAt(bytes: Buffer, at: number): number {
  return sizeBytes(bytes, at) === 1 ? (bytes[at] as number) : bytes.readUInt32BE(at) - 2 ** 31;
}
