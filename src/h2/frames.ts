// Frames on the wire (RFC 9113 §4, §6): their names, and how ours are written. Text is latin-1, one character a byte.

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
/** Of SETTINGS and PING. */
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const WITH_PRIORITY = 32;

export const FRAME_HEAD_BYTES = 9;
/** Until told otherwise (RFC 9113 §6.5.2). */
export const FRAME_BYTES = 16_384;
export const WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
export const FRAME_BYTES_MAX = 16_777_215;

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Error codes (RFC 9113 §7). */
export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

/** Settings (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1). */
export const SETTINGS_HEADER_TABLE_SIZE = 1;
export const SETTINGS_ENABLE_PUSH = 2;
export const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
export const SETTINGS_INITIAL_WINDOW_SIZE = 4;
export const SETTINGS_MAX_FRAME_SIZE = 5;
export const SETTINGS_MAX_HEADER_LIST_SIZE = 6;
export const SETTINGS_ENABLE_CONNECT_PROTOCOL = 8;

export const ACK_SETTINGS: string = frameHead(0, SETTINGS, ACK, 0);

export function frameHead(length: number, type: number, flags: number, streamId: number): string {
  return String.fromCharCode(
    (length >> 16) & 0xff,
    (length >> 8) & 0xff,
    length & 0xff,
    type,
    flags,
    (streamId >> 24) & 0x7f,
    (streamId >> 16) & 0xff,
    (streamId >> 8) & 0xff,
    streamId & 0xff,
  );
}

/** HEADERS, and as many CONTINUATION frames as a long block takes. */
export function headersFrames(
  streamId: number,
  block: string,
  { flags, frameBytesMax }: { readonly flags: number; readonly frameBytesMax: number },
): string {
  if (block.length <= frameBytesMax)
    return frameHead(block.length, HEADERS, flags | END_HEADERS, streamId) + block;
  let text = frameHead(frameBytesMax, HEADERS, flags, streamId) + block.slice(0, frameBytesMax);
  for (let at = frameBytesMax; at < block.length; at += frameBytesMax) {
    const piece = block.slice(at, at + frameBytesMax);
    const isLast = at + frameBytesMax >= block.length;
    text += frameHead(piece.length, CONTINUATION, isLast ? END_HEADERS : 0, streamId) + piece;
  }
  return text;
}

export function resetFrame(streamId: number, code: number): string {
  return frameHead(4, RST_STREAM, 0, streamId) + uint32(code);
}

export function windowUpdate(streamId: number, bytes: number): string {
  return frameHead(4, WINDOW_UPDATE, 0, streamId) + uint32(bytes);
}

export function goAway(lastStreamId: number, code: number, reason: string): string {
  return frameHead(8 + reason.length, GOAWAY, 0, 0) + uint32(lastStreamId) + uint32(code) + reason;
}

/** identifier, value, … */
export function settingsFrame(pairs: readonly (readonly [number, number])[]): string {
  let payload = "";
  for (const [id, value] of pairs) payload += String.fromCharCode(id >> 8, id & 0xff) + uint32(value);
  return frameHead(payload.length, SETTINGS, 0, 0) + payload;
}

function uint32(value: number): string {
  return String.fromCharCode(
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}
