// A collected body as if it came from the client again: for an ASGI worker that gets a request which was meant for a WSGI one.

import { createReadStream, type ReadStream } from "node:fs";
import type { BodySink, RequestBody } from "../http/exchange.ts";
import { NO_FIELDS } from "../http/fields.ts";

const PIECE_BYTES = 65_536;

export class BodyReplay implements RequestBody {
  readonly awaitsContinue: boolean = false;
  readonly #chunks: readonly Uint8Array[];
  readonly #path: string;
  #file: ReadStream | undefined;

  /** The body is in memory, or in the file `path` when that is not "". */
  constructor(chunks: readonly Uint8Array[], path: string) {
    this.#chunks = chunks;
    this.#path = path;
  }

  read(sink: BodySink): void {
    if (this.#path !== "") {
      this.#readFile(sink);
      return;
    }
    for (const chunk of this.#chunks) sink.chunk(chunk);
    sink.end(NO_FIELDS);
  }

  #readFile(sink: BodySink): void {
    this.#file = createReadStream(this.#path, { highWaterMark: PIECE_BYTES });
    // No encoding is set, so what comes are bytes.
    this.#file.on("data", (bytes) => sink.chunk(bytes as Buffer));
    this.#file.on("end", () => sink.end(NO_FIELDS));
    this.#file.on("error", () => sink.abort());
  }

  /** In memory it is all held anyway. */
  pause(): void {
    this.#file?.pause();
  }

  resume(): void {
    this.#file?.resume();
  }
}
