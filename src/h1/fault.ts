// What a client can do wrong on HTTP/1.1, and the status that says so. Faults travel as codes and become an event at the border.

import { ERRORS, type ErrorCode } from "../base/errors.ts";

export type H1Fault = Extract<ErrorCode, `ERR_H1_${string}`>;

/** Scanners answer with an index into the bytes, or with one of these. */
export const INCOMPLETE = -1;
export const FAULTY = -2;

/** Faults that are not plain 400s. */
const STATUS: Partial<Record<H1Fault, number>> = {
  ERR_H1_BODY_TOO_LARGE: 413,
  ERR_H1_EXPECTATION: 417,
  ERR_H1_FIELDS_TOO_MANY: 431,
  ERR_H1_FIELD_TOO_LARGE: 431,
  ERR_H1_HEAD_TOO_LARGE: 431,
  ERR_H1_HTTP2_PREFACE: 505,
  ERR_H1_REQUEST_LINE_TOO_LONG: 414,
  ERR_H1_TRAILER_TOO_LARGE: 431,
  ERR_H1_TRANSFER_CODING: 501,
  ERR_H1_VERSION_UNSUPPORTED: 505,
};

export function faultStatus(fault: H1Fault): number {
  return STATUS[fault] ?? 400;
}

export function faultMessage(fault: H1Fault): string {
  return ERRORS[fault];
}
