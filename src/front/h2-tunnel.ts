// A stream of HTTP/2 as a Duplex, for a WebSocket to be spoken on it (RFC 8441). Bytes.

import { Duplex } from "node:stream";
import { CANCEL } from "../h2/frames.ts";
import type { H2Stream, StreamSink } from "../h2/stream.ts";
import type { H2Shell } from "./h2-carrier.ts";

type Done = (error?: Error | null) => void;

export class H2Tunnel implements StreamSink {
  readonly duplex: Duplex;
  readonly #shell: Pick<H2Shell, "protocol" | "changed">;
  readonly #stream: H2Stream;
  /** Of the last write, which is done when all of it became frames. */
  #onWritten: Done | undefined = undefined;
  /** Given to the reader, and not taken yet: the client's window stays closed for so much. */
  #unreadBytes = 0;

  constructor(shell: Pick<H2Shell, "protocol" | "changed">, stream: H2Stream) {
    this.#shell = shell;
    this.#stream = stream;
    this.duplex = new Duplex({
      read: () => this.#giveRoom(),
      write: (bytes: Buffer, _encoding, done) => this.#write(bytes, done),
      final: (done) => this.#end(done),
      destroy: (error, done) => this.#destroy(error, done),
    });
  }

  onBody(lent: Buffer): void {
    this.#unreadBytes += lent.length;
    if (this.duplex.push(Buffer.from(lent))) this.#giveRoom();
  }

  onBodyEnd(): void {
    this.duplex.push(null);
  }

  onFramed(): void {
    this.#stream.framedBytes = 0;
    if (this.#stream.pendingBytes > 0) return;
    const done = this.#onWritten;
    this.#onWritten = undefined;
    done?.();
  }

  onEnded(): void {}

  onReset(): void {
    this.duplex.destroy();
  }

  #giveRoom(): void {
    const bytes = this.#unreadBytes;
    if (bytes === 0) return;
    this.#unreadBytes = 0;
    this.#shell.protocol.consumed(this.#stream, bytes);
    this.#shell.changed();
  }

  #write(bytes: Buffer, done: Done): void {
    if (bytes.length === 0 || this.#stream.isClosed) {
      process.nextTick(done);
      return;
    }
    this.#onWritten = done;
    // Its writer uses the memory again when the write is done, which is before the kernel has it.
    this.#shell.protocol.write(this.#stream, Buffer.from(bytes), 0, bytes.length);
    this.#shell.changed();
  }

  #end(done: Done): void {
    this.#shell.protocol.end(this.#stream, "");
    this.#shell.changed();
    done();
  }

  #destroy(error: Error | null, done: Done): void {
    this.#shell.protocol.reset(this.#stream, CANCEL);
    this.#shell.changed();
    this.#onWritten = undefined;
    done(error);
  }
}
