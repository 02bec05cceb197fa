// The frames between a front and a worker (docs/wire.md). Python's twin is python/tunicorn_worker/wire.py.

export const FRAME_HEAD_BYTES = 12;
export const FRAME_BYTES_MAX = 1_048_576;
export const BODY_FRAME_BYTES_MAX = 65_536;
export const RESPONSE_HEAD_BYTES = 20;
export const STREAM_MAX = 0x7fff_ffff;
export const WIRE_VERSION = 1;

/** Response body bytes a worker may send before the front grants more. */
export const RESPONSE_CREDIT_INITIAL = 262_144;
/** Request body bytes a front may stream to an `asgi` worker before the worker grants more. */
export const REQUEST_CREDIT_INITIAL = 65_536;

/** What a WebSocket message costs beyond its payload, in either direction: a queued one takes memory even when it is empty. */
export const WS_MESSAGE_COST = 2_048;

export const HELLO = 1;
export const REQUEST = 2;
export const BODY = 3;
export const BODY_FILE = 4;
export const RESPONSE = 5;
export const INFORM = 6;
export const FILE = 7;
export const FILE_REPLY = 8;
export const CREDIT = 9;
export const CANCEL = 10;
export const ABORT = 11;
export const DRAIN = 12;
export const TAKE_BACK = 13;
export const TAKEN = 14;
export const LEFT = 15;
export const TRAILERS = 16;
export const DEADLINE = 17;
export const NOTICE = 18;
export const WS_ACCEPT = 32;
export const WS_TEXT = 33;
export const WS_BINARY = 34;
export const WS_CLOSE = 35;

/** Frame flag: the sender sends nothing more on this stream. */
export const END = 1;
/** Frame flag of REQUEST: the body's first window is 0, for the client waits for `100 Continue`. */
export const AWAITS_CREDIT = 2;
/** Frame flag of WS_TEXT and WS_BINARY: pieces of the same message follow. */
export const MORE = 2;

export const HEAD_HAS_LENGTH = 1;
export const HEAD_HAS_SERVER = 2;
export const HEAD_HAS_DATE = 4;
export const HEAD_CLOSE = 8;
export const HEAD_NO_BUFFER = 16;
/** The block holds X-Sendfile or X-Accel-Redirect. */
export const HEAD_NAMES_FILE = 64;

/** Why a stream is cancelled: the byte of a CANCEL frame. */
export const CANCEL_CAUSE = { clientLeft: 1, deadline: 2, frontStops: 3 } as const;

/** A frame as its reader shows it. The reader shows every frame in the same object: valid until its next call. */
export interface Frame {
  readonly stream: number;
  readonly type: number;
  readonly flags: number;
  /** The payload is `bytes[from, to)`; nobody writes into it later, so slices may be kept. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** The other end broke the protocol: a bug of ours, the link has to close. */
export interface FrameError {
  readonly type: "error";
  readonly code: "ERR_WIRE_TYPE" | "ERR_WIRE_LENGTH" | "ERR_WIRE_STREAM" | "ERR_WIRE_PAYLOAD";
  readonly message: string;
}

/** Which frames an end may receive, and of what shape. */
export interface ReceiveRules {
  /** By type: 0 never, 1 with a stream, 2 with stream 0. */
  readonly streams: Uint8Array;
  /** By type: bytes of the payload, -1 for any number. */
  readonly bytes: Int8Array;
}

export const NEVER = 0;
export const ON_STREAM = 1;
const ON_LINK = 2;
const ANY = -1;

export const FRONT_RECEIVES: ReceiveRules = receiveRules([
  [HELLO, ON_LINK, ANY],
  [BODY, ON_STREAM, ANY],
  [RESPONSE, ON_STREAM, ANY],
  [INFORM, ON_STREAM, ANY],
  [FILE, ON_STREAM, ANY],
  [CREDIT, ON_STREAM, 4],
  [ABORT, ON_STREAM, ANY],
  [TAKEN, ON_LINK, ANY],
  [TRAILERS, ON_STREAM, ANY],
  [DEADLINE, ON_STREAM, 4],
  [WS_ACCEPT, ON_STREAM, ANY],
  [WS_TEXT, ON_STREAM, ANY],
  [WS_BINARY, ON_STREAM, ANY],
  [WS_CLOSE, ON_STREAM, ANY],
]);

export const WORKER_RECEIVES: ReceiveRules = receiveRules([
  [REQUEST, ON_STREAM, ANY],
  [BODY, ON_STREAM, ANY],
  [BODY_FILE, ON_STREAM, ANY],
  [FILE_REPLY, ON_STREAM, 1],
  [CREDIT, ON_STREAM, 4],
  [CANCEL, ON_STREAM, 1],
  [DRAIN, ON_LINK, 0],
  [TAKE_BACK, ON_LINK, 0],
  [LEFT, ON_STREAM, 0],
  [NOTICE, ON_STREAM, 0],
  [WS_TEXT, ON_STREAM, ANY],
  [WS_BINARY, ON_STREAM, ANY],
  [WS_CLOSE, ON_STREAM, ANY],
]);

function receiveRules(
  rows: readonly (readonly [type: number, stream: number, bytes: number])[],
): ReceiveRules {
  const rules = { streams: new Uint8Array(256), bytes: new Int8Array(256) };
  for (const [type, stream, bytes] of rows) {
    rules.streams[type] = stream;
    rules.bytes[type] = bytes;
  }
  return rules;
}
