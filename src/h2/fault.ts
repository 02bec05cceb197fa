// What a client can do wrong on HTTP/2: with a request, which is answered or reset, or with the connection, which ends.

import { ERRORS, type ErrorCode } from "../base/errors.ts";
import {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  STREAM_CLOSED,
} from "./frames.ts";

export type H2Fault = Extract<ErrorCode, `ERR_H2_${string}`>;

/** Requests that are answered with a status. All other faulty ones are malformed: RST_STREAM (RFC 9113 §8.1.1). */
const STATUS: Partial<Record<H2Fault, number>> = {
  ERR_H2_BODY_TOO_LARGE: 413,
  ERR_H2_CONNECT: 501,
  ERR_H2_CONTENT_TYPE_REPEATED: 400,
  ERR_H2_EXPECTATION: 417,
  ERR_H2_FIELDS_TOO_MANY: 431,
  ERR_H2_FIELD_TOO_LARGE: 431,
  ERR_H2_HEAD_TOO_LARGE: 431,
  ERR_H2_HOST: 400,
  ERR_H2_HOST_MISMATCH: 400,
  ERR_H2_HOST_MISSING: 400,
  ERR_H2_HOST_REPEATED: 400,
  ERR_H2_METHOD: 400,
  ERR_H2_SCHEME: 400,
  ERR_H2_TARGET_TOO_LONG: 414,
};

/** 0: the stream is reset. */
export function faultStatus(fault: H2Fault): number {
  return STATUS[fault] ?? 0;
}

/** Of the connection's faults: the code that GOAWAY says. */
const CODES: Partial<Record<H2Fault, number>> = {
  ERR_H2_COMPRESSION: COMPRESSION_ERROR,
  ERR_H2_FLOOD: ENHANCE_YOUR_CALM,
  ERR_H2_FLOW_CONTROL: FLOW_CONTROL_ERROR,
  ERR_H2_FRAME_SIZE: FRAME_SIZE_ERROR,
  ERR_H2_STREAM_CLOSED: STREAM_CLOSED,
};

export function faultCode(fault: H2Fault): number {
  return CODES[fault] ?? PROTOCOL_ERROR;
}

export function faultMessage(fault: H2Fault): string {
  return ERRORS[fault];
}
