// The limits of one message, out of the settings. gunicorn's names on the left, ours on the right.

import type { MessageLimits } from "../http/limits.ts";
import type { FrontConfig } from "./context.ts";

const CHUNK_LINE_BYTES_MAX = 4_096;
const TRAILER_BYTES_MAX = 16_384;

export function messageLimits(config: FrontConfig): MessageLimits {
  return {
    requestLineBytesMax: config.limitRequestLine,
    fieldsMax: config.limitRequestFields,
    fieldBytesMax: config.limitRequestFieldSize,
    headBytesMax: config.limitRequestHead,
    bodyBytesMax: config.bodyBytesMax,
    chunkLineBytesMax: CHUNK_LINE_BYTES_MAX,
    trailerBytesMax: TRAILER_BYTES_MAX,
    permitObsoleteFolding: config.permitObsoleteFolding,
    stripHeaderSpaces: config.stripHeaderSpaces,
    permitUnconventionalMethod: config.permitUnconventionalHttpMethod,
    permitUnconventionalVersion: config.permitUnconventionalHttpVersion,
    casefoldMethod: config.casefoldHttpMethod,
  };
}
