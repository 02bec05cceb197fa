// The responses of a connection on which requests come one after another: framed as the protocol says, put into the
// connection's output. Bytes.

import type { ResponseHead } from "../http/exchange.ts";
import type { MessageProtocol } from "../http/message-protocol.ts";
import type { ResponseFraming } from "./client-exchange.ts";
import type { FrontContext } from "./context.ts";
import type { Output } from "./output.ts";
import type { OwnPage } from "./own-page.ts";

export class H1Response implements ResponseFraming {
  readonly #context: FrontContext;
  readonly #protocol: MessageProtocol;
  readonly #output: Output;
  // Of the response that was begun last.
  #givenBytes = 0;
  #drainedBytes = 0;

  constructor(context: FrontContext, protocol: MessageProtocol, output: Output) {
    this.#context = context;
    this.#protocol = protocol;
    this.#output = output;
  }

  inform(status: number, block: Buffer): void {
    this.#output.text(this.#protocol.informLines(status, block));
  }

  head(head: ResponseHead, block: string): void {
    this.#givenBytes = 0;
    this.#drainedBytes = 0;
    this.#output.text(this.#protocol.responseHead(head, block, this.#context.common));
  }

  get hasNoBody(): boolean {
    return this.#protocol.bodyMode === "none";
  }

  get bodyBytes(): number {
    return this.#protocol.bodyBytes;
  }

  body(bytes: Buffer, from: number, to: number): void {
    this.#givenBytes += to - from;
    const protocol = this.#protocol;
    const output = this.#output;
    if (protocol.bodyMode === "plain") {
      output.bytes(bytes, from, to);
      return;
    }
    for (let at = from; at < to; at += protocol.chunkBytesMax) {
      const end = Math.min(to, at + protocol.chunkBytesMax);
      output.text(protocol.chunkHead(end - at));
      output.bytes(bytes, at, end);
      output.text(protocol.chunkTail);
    }
  }

  share(): void {
    this.#output.share(this.#givenBytes);
  }

  drop(bytes: number): void {
    this.#givenBytes += bytes;
  }

  end(trailers: string): void {
    this.#protocol.endResponse();
    this.#output.text(this.#protocol.responseTail(trailers));
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes;
  }

  /** Bytes of the body that have left since the last call. */
  takeSentBytes(): number {
    // Pending bytes may be framing, or of an earlier response: then what is told comes later, never too early.
    const bytes = this.#givenBytes - this.#output.pendingBytes - this.#drainedBytes;
    if (bytes <= 0) return 0;
    this.#drainedBytes += bytes;
    return bytes;
  }

  /** A whole response; returns the bytes of its body. */
  page({ head, block, body }: OwnPage): number {
    this.head(head, block);
    if (!this.hasNoBody) this.body(body, 0, body.length);
    this.end("");
    return this.hasNoBody ? 0 : body.length;
  }
}
