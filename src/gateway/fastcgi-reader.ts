// Bytes → FastCGI's records, of which long ones come in pieces: nothing is held that its reader did not ask for.

import type { InputBuffer } from "../base/input-buffer.ts";
import { RECORD_HEAD_BYTES, VERSION } from "./fastcgi-record.ts";

export class RecordReader {
  type = 0;
  id = 0;
  /** Of the record's content, how much is still to come. */
  contentLeft = 0;
  /** The record has no content at all: the end of a stream. */
  isEmpty = false;
  #paddingLeft = 0;
  #isInside = false;

  /** Whether a record has begun whose content was not read to its end. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** The next record's head. */
  readHead(input: InputBuffer): "head" | "need-data" | "fault" {
    this.#skipPadding(input);
    if (this.#paddingLeft > 0 || input.length === 0) return "need-data";
    const { bytes, start } = input;
    if (bytes[start] !== VERSION) return "fault";
    if (input.length < RECORD_HEAD_BYTES) return "need-data";
    this.type = bytes[start + 1] as number; // the whole head is there
    this.id = bytes.readUInt16BE(start + 2);
    this.contentLeft = bytes.readUInt16BE(start + 4);
    this.isEmpty = this.contentLeft === 0;
    this.#paddingLeft = bytes[start + 6] as number; // same
    this.#isInside = true;
    input.consumeTo(start + RECORD_HEAD_BYTES);
    return "head";
  }

  /** Content that is there, never empty; undefined: none is. */
  takeContent(input: InputBuffer): Buffer | undefined {
    const length = Math.min(input.length, this.contentLeft);
    if (length === 0) return undefined;
    this.contentLeft -= length;
    return input.take(length);
  }

  /** The record is done with. */
  leave(): void {
    this.#isInside = false;
  }

  #skipPadding(input: InputBuffer): void {
    const length = Math.min(input.length, this.#paddingLeft);
    if (length === 0) return;
    this.#paddingLeft -= length;
    input.consumeTo(input.start + length);
  }
}
