// HEADERS and CONTINUATION frames → requests and trailers. A connection that sends the same block again gets the same request.

import { Fields, NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { hasForbiddenTrailer } from "../http/trailers.ts";
import type { H2Fault } from "./fault.ts";
import type { FrameHead } from "./frame-reader.ts";
import { HeadBlock } from "./head-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { type H2Request, RequestReader } from "./request-reader.ts";

/** A header block is never much longer than the list that it makes. */
const BLOCK_SLACK_BYTES = 16_384;
const REMEMBERED_BLOCK_BYTES = 1_024;
const NOTHING: Buffer = Buffer.alloc(0);

export class HeadIntake {
  readonly #block: HeadBlock;
  readonly #decoder: HpackDecoder;
  readonly #requests: RequestReader;
  /** Of the decoder's table, before the block that was decoded last. */
  #versionBefore = -1;
  /** The block that was decoded last is `#lastBlock`. */
  #isKnown = false;
  // The last request, for a connection that sends the same again.
  #lastBlock: Buffer = NOTHING;
  #lastVersion = -1;
  #lastRequest: H2Request | undefined = undefined;

  constructor(limits: MessageLimits, listBytesMax: number) {
    this.#block = new HeadBlock(listBytesMax + BLOCK_SLACK_BYTES);
    this.#decoder = new HpackDecoder(listBytesMax);
    this.#requests = new RequestReader(limits);
  }

  /** A block is half received. */
  get isOpen(): boolean {
    return this.#block.isOpen;
  }

  /** The stream of that block. */
  get streamId(): number {
    return this.#block.streamId;
  }

  /** Nothing follows the block on its stream. */
  get isEndOfStream(): boolean {
    return this.#block.isEndOfStream;
  }

  /** Why the last block is no request. */
  get fault(): H2Fault {
    return this.#requests.fault;
  }

  /** For the log: what of the request line is known. */
  get requestLine(): string {
    return this.#requests.requestLine;
  }

  /** The whole block, lent as `payload` is; undefined when more is to come; or what is wrong. */
  add(head: FrameHead, payload: Buffer): Buffer | H2Fault | undefined {
    return this.#block.add(head, payload);
  }

  /** To be called with each whole block, for the next ones depend on it. False: the connection cannot go on. */
  decode(block: Buffer): boolean {
    this.#isKnown = this.#isLastBlock(block);
    this.#versionBefore = this.#decoder.tableVersion;
    return this.#isKnown || this.#decoder.decode(block);
  }

  /** The same bytes mean the same, while the table is. */
  #isLastBlock(block: Buffer): boolean {
    const isSameTable = this.#lastVersion === this.#decoder.tableVersion;
    return isSameTable && this.#block.isEndOfStream && block.equals(this.#lastBlock);
  }

  /** What the block that was decoded last asks for; undefined with `fault` set. */
  request(block: Buffer): H2Request | undefined {
    if (this.#isKnown) return this.#lastRequest;
    this.#lastVersion = -1;
    const { isEndOfStream, dependsOnItself } = this.#block;
    const request = this.#requests.read(this.#decoder.flat, isEndOfStream);
    const fault = this.#faultOfList(dependsOnItself);
    if (fault !== undefined) {
      this.#requests.fault = fault;
      return undefined;
    }
    if (request !== undefined && isEndOfStream) this.#remember(block, request);
    return request;
  }

  /** What is wrong with the list, whatever it says. */
  #faultOfList(dependsOnItself: boolean): H2Fault | undefined {
    if (this.#decoder.isMalformed) return "ERR_H2_FIELD";
    if (this.#decoder.isTooLarge) return "ERR_H2_HEAD_TOO_LARGE";
    return dependsOnItself ? "ERR_H2_FRAME" : undefined;
  }

  #remember(block: Buffer, request: H2Request): void {
    if (block.length > REMEMBERED_BLOCK_BYTES || this.#versionBefore !== this.#decoder.tableVersion) return;
    this.#lastBlock = Buffer.from(block);
    this.#lastVersion = this.#decoder.tableVersion;
    this.#lastRequest = request;
  }

  /** What the block that was decoded last says behind a body; undefined when it may not stand there. */
  trailers(block: Buffer): Fields | undefined {
    if (this.#isKnown) this.#decoder.decode(block);
    const { flat, isMalformed, isTooLarge } = this.#decoder;
    if (!this.#block.isEndOfStream || isMalformed || isTooLarge) return undefined;
    const isPseudo = flat.some((text, i) => i % 2 === 0 && text.startsWith(":"));
    if (isPseudo || hasForbiddenTrailer(flat)) return undefined;
    return flat.length === 0 ? NO_FIELDS : new Fields(flat);
  }
}
