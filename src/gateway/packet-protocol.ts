// uwsgi and SCGI, server's side, without I/O: one packet of variables, a body of CONTENT_LENGTH bytes, one answer, the end.
//
//   read    head ──request──► body ──end──► done
//           error: the peer broke the protocol · abandoned: the rest is not wanted · closed: EOF (these and `done` are final)

import { assert } from "../base/assert.ts";
import { InputBuffer } from "../base/input-buffer.ts";
import type { RequestHead, ResponseHead } from "../http/exchange.ts";
import { NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import {
  type Aside,
  type BodyMode,
  type CommonLines,
  type MessageEvent,
  type MessageProtocol,
  NEED_DATA,
  PAUSED,
} from "../http/message-protocol.ts";
import { WriteSide } from "../http/write-side.ts";
import { FAULTY, faultEvent, type GatewayFault, INCOMPLETE } from "./fault.ts";
import { isForeign } from "./foreign.ts";
import { HeadMaker } from "./request-head.ts";
import { ResponseLines, type StatusForm } from "./response-lines.ts";
import type { VariableNames } from "./variable-names.ts";

/** Bytes → the variables of a packet. */
export interface PacketReader {
  fault: GatewayFault;
  /** The variables read last. */
  readonly flat: readonly string[];
  readonly cutsPath: boolean;
  /** The index after the packet's head, INCOMPLETE, or FAULTY with `fault` set. */
  read(bytes: Buffer, from: number, to: number): number;
}

export interface PacketOptions {
  readonly reader: PacketReader;
  readonly limits: MessageLimits;
  readonly names: VariableNames;
  readonly statusForm: StatusForm;
}

const END: MessageEvent = { type: "end", trailers: NO_FIELDS };

export class PacketProtocol implements MessageProtocol {
  readonly chunkBytesMax: number = Number.POSITIVE_INFINITY;
  readonly chunkTail: string = "";
  readonly aside: Aside | undefined = undefined;
  readonly awaitsContinue = false;
  /** One request a connection. */
  readonly canReuse = false;
  readonly idleMsMin = 0;

  readonly #options: PacketOptions;
  readonly #input: InputBuffer = new InputBuffer();
  readonly #lines: ResponseLines;
  readonly #write: WriteSide = new WriteSide();
  #read: "head" | "body" | "done" | "error" | "abandoned" | "closed" = "head";
  #head: RequestHead | undefined = undefined;
  #bodyLeft = 0;
  /** Of a body that nobody wants: how much of it is read all the same; -1: it is wanted. */
  #discardLeft = -1;
  #hasEof = false;

  constructor(options: PacketOptions) {
    this.#options = options;
    this.#lines = new ResponseLines(options.statusForm, "plain");
  }

  receive(bytes: Buffer): void {
    if (this.#read === "head" || this.#read === "body") this.#input.append(bytes);
  }

  keepInput(): void {
    this.#input.own();
  }

  receiveEof(): void {
    this.#hasEof = true;
  }

  next(): MessageEvent | typeof NEED_DATA | typeof PAUSED {
    switch (this.#read) {
      case "head":
        return this.#nextInHead();
      case "body":
        return this.#nextInBody();
      default:
        return PAUSED;
    }
  }

  get bufferedBytes(): number {
    return this.#input.length;
  }

  get hasPartialHead(): boolean {
    return this.#read === "head" && this.#input.length > 0;
  }

  continueLine(): string {
    return "";
  }

  /** CGI knows one answer to a request. */
  informLines(): string {
    return "";
  }

  responseHead(head: ResponseHead, block: string, common: CommonLines): string {
    if (this.#write.isIdle) this.abandon();
    this.#write.begin();
    const method = this.#head?.method ?? "";
    return this.#lines.head(head, block, { method, extra: common.extraLines });
  }

  get bodyMode(): BodyMode {
    return this.#lines.mode;
  }

  get bodyBytes(): number {
    return this.#lines.bodyBytes;
  }

  chunkHead(): string {
    return "";
  }

  responseTail(): string {
    return "";
  }

  endResponse(): void {
    this.#write.end();
  }

  /** The connection ends anyway: what fits is read so that the web server can read the answer. */
  discardBody(bytesMax: number): boolean {
    if (this.#read === "done") return true;
    if (this.#read !== "body" || this.#bodyLeft > bytesMax) {
      this.abandon();
      return false;
    }
    this.#discardLeft = bytesMax;
    return true;
  }

  abandon(): void {
    if (this.#read === "head" || this.#read === "body") this.#read = "abandoned";
    this.#write.owe();
    this.#input.clear();
  }

  get needsNoGoodbye(): boolean {
    return this.#read === "done";
  }

  startNextCycle(): void {
    assert(false, "a connection carries one request");
  }

  /** Each is. */
  closeAfterResponse(): void {}

  upgrade(): Buffer {
    assert(false, "web servers' protocols change to no other");
  }

  #nextInHead(): MessageEvent | typeof NEED_DATA {
    const { reader } = this.#options;
    const input = this.#input;
    if (input.length === 0) return this.#hasEof ? this.#close() : NEED_DATA;
    const end = reader.read(input.bytes, input.start, input.end);
    if (end === INCOMPLETE) return this.#hasEof ? this.#fail("ERR_GATEWAY_UNEXPECTED_EOF") : NEED_DATA;
    if (end === FAULTY) return this.#fail(isForeign(input) ? "ERR_GATEWAY_HTTP" : reader.fault);
    input.consumeTo(end);
    return this.#startRequest(reader);
  }

  #startRequest({ flat, cutsPath }: PacketReader): MessageEvent {
    const { limits, names } = this.#options;
    const head = new HeadMaker({ limits, names, cutsPath, isDelimited: false }).make(flat);
    if (typeof head === "string") return this.#fail(head);
    this.#head = head;
    this.#bodyLeft = head.bodyLength;
    this.#read = "body";
    this.#write.owe();
    return { type: "request", head, expectsContinue: false, upgrade: "" };
  }

  #nextInBody(): MessageEvent | typeof NEED_DATA | typeof PAUSED {
    if (this.#bodyLeft === 0) {
      this.#read = "done";
      this.#input.clear(); // nothing may follow, and nobody is answered twice
      return END;
    }
    const length = Math.min(this.#input.length, this.#bodyLeft);
    if (length === 0) return this.#hasEof ? this.#fail("ERR_GATEWAY_UNEXPECTED_EOF") : NEED_DATA;
    this.#bodyLeft -= length;
    const bytes = this.#input.take(length);
    return this.#discardLeft < 0 ? { type: "body", bytes } : this.#nextInBody();
  }

  #close(): MessageEvent {
    this.#read = "closed";
    return { type: "closed" };
  }

  #fail(fault: GatewayFault): MessageEvent {
    const head = this.#head;
    this.#read = "error";
    this.#write.owe();
    this.#input.clear();
    return faultEvent(fault, head === undefined ? "" : `${head.method} ${head.target} HTTP/${head.version}`);
  }
}
