// A control stream: messages out, checked lines in. Its end, for whatever reason, is told once.

import type { Duplex } from "node:stream";
import { encodeLine, type Line, LineReader, NEED_DATA } from "../control/json-lines.ts";

/** Beyond this the other side does not read (it is stopped, or stuck): the stream is given up. */
const UNSENT_BYTES_MAX = 4 * 1_048_576;

export interface ChannelSink {
  onLine(line: Line): void;
  /** `reason` is "" for an ordinary end. */
  onClosed(reason: string): void;
}

export class Channel {
  readonly #stream: Duplex;
  readonly #reader = new LineReader();
  #sink: ChannelSink;
  #state: "open" | "closed" = "open";

  constructor(stream: Duplex, sink: ChannelSink) {
    this.#stream = stream;
    this.#sink = sink;
    stream.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    stream.on("end", () => this.#onEnd());
    stream.on("error", (error: Error) => this.#close(error.message));
    stream.on("close", () => this.#close(""));
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** For who takes over a stream after its first message. */
  set sink(sink: ChannelSink) {
    this.#sink = sink;
  }

  /** Nothing is sent on a closed channel: its end was told, or is about to be. */
  send(message: { readonly type: string }): void {
    if (this.#state === "closed" || !this.#stream.writable) return;
    this.#stream.write(encodeLine(message));
    if (this.#stream.writableLength > UNSENT_BYTES_MAX) this.#close("the other side does not read");
  }

  /** Harmless when repeated. */
  destroy(): void {
    this.#close("");
  }

  #onData(bytes: Uint8Array): void {
    this.#reader.receive(bytes);
    this.#readLines();
  }

  #onEnd(): void {
    this.#reader.receiveEof();
    this.#readLines();
    this.#close("");
  }

  #readLines(): void {
    for (let event = this.#reader.next(); event !== NEED_DATA; event = this.#reader.next()) {
      if (event.type === "error") this.#close(event.code);
      else if (this.#state === "open") this.#sink.onLine(event.line);
    }
  }

  #close(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stream.destroy();
    this.#sink.onClosed(reason);
  }
}
