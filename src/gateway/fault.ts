// What a web server, or somebody who poses as one, can do wrong on uwsgi, FastCGI and SCGI, and the status that says so.

import { ERRORS, type ErrorCode } from "../base/errors.ts";
import type { ErrorEvent } from "../http/message-protocol.ts";

export type GatewayFault = Extract<ErrorCode, `ERR_${"GATEWAY" | "FASTCGI" | "SCGI" | "UWSGI"}_${string}`>;

/** Readers answer with an index into the bytes, or with one of these. */
export const INCOMPLETE = -1;
export const FAULTY = -2;

/** Faults that are not plain 400s. */
const STATUS: Partial<Record<GatewayFault, number>> = {
  ERR_GATEWAY_BODY_TOO_LARGE: 413,
  ERR_GATEWAY_HEAD_TOO_LARGE: 431,
  ERR_GATEWAY_LENGTH_MISSING: 411,
  ERR_GATEWAY_TARGET_TOO_LONG: 414,
  ERR_GATEWAY_VARIABLES_TOO_MANY: 431,
  ERR_GATEWAY_VARIABLE_TOO_LARGE: 431,
};

export function faultEvent(code: GatewayFault, requestLine: string): ErrorEvent {
  return { type: "error", code, status: STATUS[code] ?? 400, message: ERRORS[code], requestLine };
}
