// Heads of responses as HTTP/2 has them: the status, the lines that the settings ask for, and the handler's ready-made block.

import { encodeStatus } from "../h2/hpack-encoder.ts";
import { ResponseFields } from "../h2/response-fields.ts";
import type { ResponseHead } from "../http/exchange.ts";
import type { CommonLines } from "../http/message-protocol.ts";

/** For all connections. */
const fields = new ResponseFields();

export class ResponseBlocks {
  readonly #common: CommonLines;
  #dateLine = "";
  #dateBlock = "";

  constructor(common: CommonLines) {
    this.#common = common;
  }

  /** `block`: header lines and the blank line. */
  respond({ status, hasServer, hasDate }: ResponseHead, block: string): string {
    let text = encodeStatus(status);
    if (!hasServer) text += fields.encode(this.#common.serverLine, false);
    if (!hasDate) text += this.#date();
    text += fields.encode(this.#common.extraLines, false);
    return text + fields.encode(block, status === 204);
  }

  /** Informational: RFC 9110 §15.2 frames nothing. */
  inform(status: number, lines: string): string {
    return encodeStatus(status) + fields.encode(lines, true);
  }

  trailers(lines: string): string {
    return fields.encode(lines, true);
  }

  #date(): string {
    const line = this.#common.dateLine;
    if (line !== this.#dateLine) {
      this.#dateLine = line;
      this.#dateBlock = fields.encode(line, false);
    }
    return this.#dateBlock;
  }
}
