// The payloads that a worker sends: the response head of RESPONSE, INFORM and FILE, the ids of TAKEN (docs/wire.md).
// A reader returns undefined when the payload breaks the protocol: the worker is ours, so that closes its link.

import type { ResponseHead } from "../http/exchange.ts";
import {
  type Frame,
  HEAD_CLOSE,
  HEAD_HAS_DATE,
  HEAD_HAS_LENGTH,
  HEAD_HAS_SERVER,
  HEAD_NAMES_FILE,
  HEAD_NO_BUFFER,
  RESPONSE_HEAD_BYTES,
} from "./frame.ts";
import { readUint16, readUint32 } from "./frame-reader.ts";

/** A response head on the wire, and where its bytes lie. */
export interface WireResponse extends ResponseHead {
  readonly appMicros: number;
  /** The application wants a file sent in place of its body, and the block says which. */
  readonly namesFile: boolean;
  /** The header block is `bytes[blockFrom, blockEnd)` of the frame's bytes; what follows is body, or the FILE's tail. */
  readonly blockFrom: number;
  readonly blockEnd: number;
}

export interface WireFile {
  readonly offset: number;
  readonly length: number;
  readonly device: bigint;
  readonly inode: bigint;
  readonly path: string;
}

const STATUS_MIN = 200;
const STATUS_MAX = 999;
const CR = 13;
const LF = 10;
const UINT32 = 0x1_0000_0000;
const FILE_FIELDS_BYTES = 32;
const LENGTH_MAX = 2 ** 53;
const LENGTH_HIGH_MAX = 2 ** 21;

export function readResponse(frame: Frame): WireResponse | undefined {
  const { bytes, from } = frame;
  if (frame.to - from < RESPONSE_HEAD_BYTES) return undefined;
  const status = readUint16(bytes, from);
  const flags = bytes[from + 2] as number; // the length was checked
  const reasonLength = bytes[from + 3] as number; // as above
  const blockFrom = from + RESPONSE_HEAD_BYTES + reasonLength;
  const blockEnd = blockFrom + readUint32(bytes, from + 4);
  if (status < STATUS_MIN || status > STATUS_MAX) return undefined;
  if (blockEnd > frame.to || !endsInBlankLine(bytes, blockFrom, blockEnd)) return undefined;
  const contentLength = (flags & HEAD_HAS_LENGTH) === 0 ? -1 : readLength(bytes, from + 8);
  if (contentLength > LENGTH_MAX) return undefined;
  return {
    status,
    reason: reasonLength === 0 ? "" : bytes.toString("latin1", from + RESPONSE_HEAD_BYTES, blockFrom),
    contentLength,
    hasServer: (flags & HEAD_HAS_SERVER) !== 0,
    hasDate: (flags & HEAD_HAS_DATE) !== 0,
    close: (flags & HEAD_CLOSE) !== 0,
    noBuffer: (flags & HEAD_NO_BUFFER) !== 0,
    appMicros: readUint32(bytes, from + 16),
    namesFile: (flags & HEAD_NAMES_FILE) !== 0,
    blockFrom,
    blockEnd,
  };
}

/** The status of an INFORM frame, or undefined; its block is the rest of the payload behind two bytes. */
export function readInformStatus(frame: Frame): number | undefined {
  if (frame.to - frame.from < 2 + 2) return undefined;
  const status = readUint16(frame.bytes, frame.from);
  // 101 is a switch of protocols, 100 the front's own affair.
  const isInformational = status > 101 && status < STATUS_MIN;
  return isInformational && endsInBlankLine(frame.bytes, frame.from + 2, frame.to) ? status : undefined;
}

export function readFile(frame: Frame, response: WireResponse): WireFile | undefined {
  const { bytes, to } = frame;
  const at = response.blockEnd;
  if (to - at <= FILE_FIELDS_BYTES) return undefined;
  const offset = readLength(bytes, at);
  const length = readLength(bytes, at + 8);
  if (offset + length > LENGTH_MAX) return undefined;
  return {
    offset,
    length,
    device: bytes.readBigUInt64LE(at + 16),
    inode: bytes.readBigUInt64LE(at + 24),
    path: bytes.toString("utf8", at + FILE_FIELDS_BYTES, to),
  };
}

/** The stream ids of a TAKEN frame. */
export function readTaken(frame: Frame): number[] | undefined {
  const length = frame.to - frame.from;
  if (length < 4) return undefined;
  const count = readUint32(frame.bytes, frame.from);
  if (length !== 4 + 4 * count) return undefined;
  return Array.from({ length: count }, (_, index) => readUint32(frame.bytes, frame.from + 4 + 4 * index));
}

/** The `u32` of a CREDIT frame. */
export function readCredit(frame: Frame): number | undefined {
  return frame.to - frame.from === 4 ? readUint32(frame.bytes, frame.from) : undefined;
}

/** A `u64`; Infinity beyond 2^53, where a number is no longer exact. */
function readLength(bytes: Buffer, at: number): number {
  const low = readUint32(bytes, at);
  const high = readUint32(bytes, at + 4);
  const isBeyond = high > LENGTH_HIGH_MAX || (high === LENGTH_HIGH_MAX && low > 0);
  return isBeyond ? Number.POSITIVE_INFINITY : low + high * UINT32;
}

export function endsInBlankLine(bytes: Buffer, from: number, end: number): boolean {
  const length = end - from;
  if (length < 2 || bytes[end - 1] !== LF || bytes[end - 2] !== CR) return false;
  return length === 2 || (length > 4 && bytes[end - 3] === LF && bytes[end - 4] === CR);
}
