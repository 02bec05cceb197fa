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

/** Frame flag: the sender sends nothing more on this stream. */
export const END = 1;

export const HEAD_HAS_LENGTH = 1;
export const HEAD_HAS_SERVER = 2;
export const HEAD_HAS_DATE = 4;
export const HEAD_CLOSE = 8;
export const HEAD_NO_BUFFER = 16;

/** Why a stream is cancelled: the byte of a CANCEL frame. */
export const CANCEL_CAUSE = { clientLeft: 1, deadline: 2, frontStops: 3 } as const;
export type CancelCause = (typeof CANCEL_CAUSE)[keyof typeof CANCEL_CAUSE];

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
