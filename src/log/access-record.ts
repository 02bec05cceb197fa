// What one line of the access log can tell. Filled by the front when an exchange ended, however it ended.

import type { AbortCause, ExchangeNotes, Peer, RequestHead } from "../http/exchange.ts";

export interface AccessRecord {
  readonly id: number;
  /** undefined when no head could be read (400, 408, 431): then `requestLine` holds what came, cut. */
  readonly head: RequestHead | undefined;
  readonly requestLine: string;
  readonly peer: Peer;
  readonly notes: ExchangeNotes;
  /** What was sent; 499 when the client left before anything was, as nginx logs it. */
  readonly status: number;
  /** Body bytes handed to the client's socket, without head and chunk framing. */
  readonly bodyBytes: number;
  readonly requestBytes: number;
  /** The response's ready-made header block (`{x}o` atoms), or "". */
  readonly responseBlock: string;
  readonly abortCause: AbortCause | undefined;
  /** Wall clock at the start, Unix milliseconds. */
  readonly startedAtUnixMs: number;
  readonly elapsedMs: number;
}

/** Where the front hands its records. `record` must be cheap: writing is batched. */
export interface AccessLog {
  record(entry: AccessRecord): void;
  reopen(): void;
  /** Writes what is held; resolves when it left. */
  close(): Promise<void>;
}
