// What a client says in SETTINGS (RFC 9113 §6.5.2), as far as it matters to a server that neither pushes nor compresses with a dynamic table.

import type { H2Fault } from "./fault.ts";
import {
  FRAME_BYTES,
  FRAME_BYTES_MAX,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_FRAME_SIZE,
  WINDOW_BYTES_MAX,
} from "./frames.ts";

const PAIR_BYTES = 6;
/** Of HPACK's table until told otherwise (RFC 9113 §6.5.2). */
const TABLE_BYTES = 4_096;

export interface PeerSettings {
  windowBytes: number | undefined;
  frameBytesMax: number | undefined;
  /** For what we send: less than the table that it begins with. */
  hasSmallTable: boolean;
}

export function readPeerSettings(payload: Buffer): PeerSettings | H2Fault {
  if (payload.length % PAIR_BYTES !== 0) return "ERR_H2_FRAME_SIZE";
  const told: PeerSettings = { windowBytes: undefined, frameBytesMax: undefined, hasSmallTable: false };
  for (let at = 0; at < payload.length; at += PAIR_BYTES) {
    const fault = take(told, payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    if (fault !== undefined) return fault;
  }
  return told;
}

function take(told: PeerSettings, id: number, value: number): H2Fault | undefined {
  switch (id) {
    case SETTINGS_HEADER_TABLE_SIZE:
      if (value < TABLE_BYTES) told.hasSmallTable = true;
      return undefined;
    case SETTINGS_ENABLE_PUSH:
      return value > 1 ? "ERR_H2_FRAME" : undefined;
    case SETTINGS_INITIAL_WINDOW_SIZE:
      if (value > WINDOW_BYTES_MAX) return "ERR_H2_FLOW_CONTROL";
      told.windowBytes = value;
      return undefined;
    case SETTINGS_MAX_FRAME_SIZE:
      if (value < FRAME_BYTES || value > FRAME_BYTES_MAX) return "ERR_H2_FRAME";
      told.frameBytesMax = value;
      return undefined;
    default:
      return undefined;
  }
}
