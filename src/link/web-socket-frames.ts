// A worker's WebSocket frames, read and handed to the stream's sink (docs/wire.md). Bytes.

import {
  type Frame,
  MORE,
  RESPONSE_CREDIT_INITIAL,
  WS_ACCEPT,
  WS_BINARY,
  WS_CLOSE,
  WS_MESSAGE_COST,
  WS_TEXT,
} from "../wire/frame.ts";
import { readUint16 } from "../wire/frame-reader.ts";
import { endsInBlankLine } from "../wire/response-reader.ts";
import type { WebSocketSink } from "./stream-sink.ts";

/** What a message costs beyond its bytes. */
export const MESSAGE_COST: number = WS_MESSAGE_COST;
/** What a worker's messages may cost before it is given credit. */
export const MESSAGE_CREDIT_INITIAL: number = RESPONSE_CREDIT_INITIAL;

export function isWebSocketFrame(type: number): boolean {
  return type >= WS_ACCEPT && type <= WS_CLOSE;
}

/** What is wrong with the frame, if anything is. */
export function giveWebSocketFrame(sink: WebSocketSink | undefined, frame: Frame): string | undefined {
  if (sink === undefined) return "a WebSocket frame for another request";
  switch (frame.type) {
    case WS_ACCEPT:
      return onAccept(sink, frame);
    case WS_CLOSE:
      return onClose(sink, frame);
    case WS_TEXT:
    case WS_BINARY: {
      const bytes = frame.bytes.subarray(frame.from, frame.to);
      sink.onWebSocketMessage(bytes, frame.type === WS_TEXT, (frame.flags & MORE) !== 0);
      return undefined;
    }
    default:
      return `a frame of type ${frame.type}`;
  }
}

function onAccept(sink: WebSocketSink, frame: Frame): string | undefined {
  const { bytes, from, to } = frame;
  const blockFrom = from + 1 + (bytes[from] ?? 0);
  if (to === from || blockFrom > to || !endsInBlankLine(bytes, blockFrom, to))
    return "an accept that is broken";
  sink.onWebSocketAccept(bytes.toString("latin1", from + 1, blockFrom), bytes.subarray(blockFrom, to));
  return undefined;
}

function onClose(sink: WebSocketSink, frame: Frame): string | undefined {
  const { bytes, from, to } = frame;
  if (to - from < 2) return "a close that is broken";
  sink.onWebSocketClose(readUint16(bytes, from), bytes.subarray(from + 2, to));
  return undefined;
}
