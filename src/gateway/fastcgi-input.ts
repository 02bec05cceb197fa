// The reading half of a FastCGI connection: records in, events of requests out, and answers to what stands beside requests.
//
//   idle ──BEGIN_REQUEST──► params ──PARAMS end──► head ──► stdin ──STDIN end──► done ──next cycle──► idle
//   error: the peer broke the protocol · abandoned: the rest is not wanted · closed: EOF (these are final)
//
// A second request beside the first is refused (CANT_MPX_CONN), and so is every role but the responder's; management records
// are answered whenever they come. Records of requests that do not exist are ignored, as the specification wants it (§3.3).

import { InputBuffer } from "../base/input-buffer.ts";
import type { RequestHead } from "../http/exchange.ts";
import { NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { type MessageEvent, NEED_DATA, PAUSED } from "../http/message-protocol.ts";
import { RecordReader } from "./fastcgi-reader.ts";
import {
  ABORT_REQUEST,
  BEGIN_REQUEST,
  CANNOT_MULTIPLEX,
  DATA,
  endRequest,
  FLAG_KEEP_CONNECTION,
  GET_VALUES,
  PARAMS,
  REQUEST_COMPLETE,
  ROLE_RESPONDER,
  STDIN,
  UNKNOWN_ROLE,
  unknownType,
  valuesResult,
} from "./fastcgi-record.ts";
import { faultEvent, type GatewayFault } from "./fault.ts";
import { isForeign } from "./foreign.ts";
import { readPairs } from "./name-value.ts";
import { HeadMaker } from "./request-head.ts";
import type { VariableNames } from "./variable-names.ts";

export interface FastcgiOptions {
  readonly limits: MessageLimits;
  readonly names: VariableNames;
}

export type FastcgiState = "idle" | "params" | "head" | "stdin" | "done" | "error" | "abandoned" | "closed";
type Next = MessageEvent | typeof NEED_DATA | typeof PAUSED;

const END: MessageEvent = { type: "end", trailers: NO_FIELDS };
/** Of BEGIN_REQUEST. */
const BEGIN_BYTES = 8;
/** Of GET_VALUES: what more than a handful of names need is not read. */
const VALUES_BYTES_MAX = 1_024;

export class FastcgiInput {
  state: FastcgiState = "idle";
  /** Of the request that is read or answered; 0: none. */
  id = 0;
  head: RequestHead | undefined = undefined;
  keepsConnection = false;
  /** The web server does not want the answer any more. */
  isAborted = false;

  readonly #options: FastcgiOptions;
  readonly #input: InputBuffer = new InputBuffer();
  readonly #records: RecordReader = new RecordReader();
  /** The variables, until all are there. */
  readonly #params: InputBuffer = new InputBuffer();
  /** One other record's content, until it is whole. */
  readonly #held: InputBuffer = new InputBuffer();
  /** Of the body, by CONTENT_LENGTH; -1: nobody said. */
  #bodyLeft = -1;
  #bodyBytes = 0;
  /** Of a body that nobody wants: how much of it is read all the same; -1: it is wanted. */
  #discardLeft = -1;
  #hasEof = false;
  #answers = "";

  constructor(options: FastcgiOptions) {
    this.#options = options;
  }

  receive(bytes: Buffer): void {
    if (!this.isFinal) this.#input.append(bytes);
  }

  own(): void {
    this.#input.own();
    this.#params.own();
    this.#held.own();
  }

  receiveEof(): void {
    this.#hasEof = true;
  }

  next(): Next {
    if (this.isFinal || this.state === "done") return PAUSED;
    for (;;) {
      const outcome = this.#step();
      if (outcome !== undefined) return outcome;
    }
  }

  /** Looks at what comes while a whole request is answered. */
  lookBeside(): void {
    while (this.state === "done" && this.#step() === undefined);
  }

  /** What is to be sent beside the response. */
  takeAnswers(): string {
    const answers = this.#answers;
    this.#answers = "";
    return answers;
  }

  get isFinal(): boolean {
    return this.state === "error" || this.state === "abandoned" || this.state === "closed";
  }

  get bufferedBytes(): number {
    return this.#input.length;
  }

  get hasPartialHead(): boolean {
    if (this.state === "params" || this.state === "head") return true;
    return this.state === "idle" && (this.#input.length > 0 || this.#records.isInside);
  }

  /** As MessageProtocol.discardBody. */
  discardBody(bytesMax: number): boolean {
    if (this.state === "done") return true;
    if (this.state !== "stdin" || this.#bodyLeft > bytesMax) {
      this.abandon();
      return false;
    }
    this.#discardLeft = bytesMax;
    return true;
  }

  abandon(): void {
    if (!this.isFinal) this.state = "abandoned";
    this.#input.clear();
  }

  startNextCycle(): void {
    this.state = "idle";
    this.id = 0;
    this.head = undefined;
    this.#discardLeft = -1;
  }

  /** Undefined: go on. */
  #step(): Next | undefined {
    if (this.#records.isInside) return this.#stepRecord();
    switch (this.#records.readHead(this.#input)) {
      case "head":
        return undefined;
      case "need-data":
        return this.#hasEof ? this.#onEof() : NEED_DATA;
      case "fault":
        return this.#fail(isForeign(this.#input) ? "ERR_GATEWAY_HTTP" : "ERR_FASTCGI_RECORD");
    }
  }

  /** One of `read` idle whose connection has nothing half received may close. */
  #onEof(): Next {
    if (this.state === "done") return NEED_DATA; // the answer is still on its way
    if (this.state !== "idle" || this.#input.length > 0) return this.#fail("ERR_GATEWAY_UNEXPECTED_EOF");
    this.state = "closed";
    return { type: "closed" };
  }

  #stepRecord(): Next | undefined {
    const { type, id } = this.#records;
    if (type === BEGIN_REQUEST) return this.#begin();
    if (id === 0) return this.#manage();
    if (id !== this.id) return this.#skip();
    switch (type) {
      case ABORT_REQUEST:
        return this.#abort();
      case PARAMS:
        return this.state === "params" ? this.#takeParams() : this.#fail("ERR_FASTCGI_RECORD");
      case STDIN:
        return this.#takeStdin();
      case DATA:
        return this.#skip();
      default:
        return this.#skipUnknown(id, type);
    }
  }

  // Records that are answered at once.

  #begin(): Next | undefined {
    const { id } = this.#records;
    const held = this.#hold(BEGIN_BYTES);
    if (held !== "whole") return held === "need-data" ? this.#starve() : this.#fail("ERR_FASTCGI_RECORD");
    const bytes = this.#held.takeAll();
    if (id === 0 || bytes.length !== BEGIN_BYTES) return this.#fail("ERR_FASTCGI_RECORD");
    if (this.state !== "idle") {
      if (id === this.id) return this.#fail("ERR_FASTCGI_RECORD");
      this.#answer(endRequest(id, CANNOT_MULTIPLEX));
      return undefined;
    }
    if (bytes.readUInt16BE(0) !== ROLE_RESPONDER) {
      this.#answer(endRequest(id, UNKNOWN_ROLE));
      return undefined;
    }
    this.id = id;
    this.keepsConnection = ((bytes[2] as number) & FLAG_KEEP_CONNECTION) !== 0; // it has 8 bytes
    this.state = "params";
    return undefined;
  }

  #manage(): Next | undefined {
    const { type } = this.#records;
    if (type !== GET_VALUES) return this.#skipUnknown(0, type);
    const held = this.#hold(VALUES_BYTES_MAX);
    if (held !== "whole") return held === "need-data" ? this.#starve() : this.#fail("ERR_FASTCGI_RECORD");
    const pairs = readPairs(this.#held.takeAll(), this.#options.limits);
    if (typeof pairs === "string") return this.#fail(pairs);
    this.#answer(valuesResult(pairs.filter((_, index) => index % 2 === 0)));
    return undefined;
  }

  #abort(): Next | undefined {
    this.#answer(endRequest(this.id, REQUEST_COMPLETE));
    if (this.state === "stdin" || this.state === "done") {
      this.isAborted = true;
      return NEED_DATA;
    }
    this.startNextCycle();
    this.#params.clear();
    return this.#skip();
  }

  #answer(text: string): void {
    this.#answers += text;
  }

  // The request.

  #takeParams(): Next | undefined {
    const records = this.#records;
    const piece = records.takeContent(this.#input);
    if (piece !== undefined) this.#params.append(piece);
    if (this.#params.length > this.#options.limits.headBytesMax)
      return this.#fail("ERR_GATEWAY_HEAD_TOO_LARGE");
    if (records.contentLeft > 0) return this.#starve();
    records.leave();
    return records.isEmpty ? this.#endParams() : undefined;
  }

  #endParams(): Next | undefined {
    const { limits, names } = this.#options;
    const pairs = readPairs(this.#params.takeAll(), limits);
    if (typeof pairs === "string") return this.#fail(pairs);
    const head = new HeadMaker({ limits, names, cutsPath: false, isDelimited: true }).make(pairs);
    if (typeof head === "string") return this.#fail(head);
    this.head = head;
    this.#bodyLeft = head.bodyLength;
    this.#bodyBytes = 0;
    this.state = "head";
    // Without a length only the first piece of the body, or its end, tells whether there is one.
    return head.bodyLength > 0 ? this.#startRequest(head) : undefined;
  }

  #startRequest(head: RequestHead): MessageEvent {
    this.state = "stdin";
    return { type: "request", head, expectsContinue: false, upgrade: "" };
  }

  #takeStdin(): Next | undefined {
    if (this.state === "head") return this.#learnLength(this.head as RequestHead); // that state has one
    if (this.state !== "stdin") return this.#fail("ERR_FASTCGI_RECORD");
    const records = this.#records;
    if (records.contentLeft === 0) {
      records.leave();
      return records.isEmpty ? this.#endStdin() : undefined;
    }
    const bytes = records.takeContent(this.#input);
    return bytes === undefined ? this.#starve() : this.#account(bytes);
  }

  #learnLength(head: RequestHead): Next {
    const isEmpty = this.#records.contentLeft === 0;
    if (!isEmpty && head.bodyLength === 0) return this.#fail("ERR_GATEWAY_BODY_MISMATCH");
    if (!isEmpty || head.bodyLength === 0) return this.#startRequest(head);
    this.#bodyLeft = 0;
    this.head = { ...head, bodyLength: 0 };
    return this.#startRequest(this.head);
  }

  #account(bytes: Buffer): Next | undefined {
    const { bodyBytesMax } = this.#options.limits;
    this.#bodyBytes += bytes.length;
    if (this.#bodyLeft >= 0) {
      this.#bodyLeft -= bytes.length;
      if (this.#bodyLeft < 0) return this.#fail("ERR_GATEWAY_BODY_MISMATCH");
    } else if (bodyBytesMax > 0 && this.#bodyBytes > bodyBytesMax) {
      return this.#fail("ERR_GATEWAY_BODY_TOO_LARGE");
    }
    if (this.#discardLeft < 0) return { type: "body", bytes };
    this.#discardLeft -= bytes.length;
    if (this.#discardLeft >= 0) return undefined;
    this.abandon();
    return PAUSED;
  }

  #endStdin(): Next {
    if (this.#bodyLeft > 0) return this.#fail("ERR_GATEWAY_BODY_MISMATCH");
    this.state = "done";
    return END;
  }

  // Records that are held until they are whole, or passed over.

  /** The content of a record of at most `bytesMax` bytes. */
  #hold(bytesMax: number): "whole" | "need-data" | "too-long" {
    const records = this.#records;
    if (this.#held.length + records.contentLeft > bytesMax) return "too-long";
    const piece = records.takeContent(this.#input);
    if (piece !== undefined) this.#held.append(piece);
    if (records.contentLeft > 0) return "need-data";
    records.leave();
    return "whole";
  }

  #skipUnknown(id: number, type: number): Next | undefined {
    const outcome = this.#skip();
    if (!this.#records.isInside) this.#answer(unknownType(id, type));
    return outcome;
  }

  #skip(): Next | undefined {
    const records = this.#records;
    records.takeContent(this.#input);
    if (records.contentLeft > 0) return this.#starve();
    records.leave();
    return undefined;
  }

  #starve(): Next {
    return this.#hasEof ? this.#onEof() : NEED_DATA;
  }

  #fail(fault: GatewayFault): MessageEvent {
    const head = this.head;
    this.state = "error";
    this.#input.clear();
    this.#params.clear();
    this.#held.clear();
    return faultEvent(fault, head === undefined ? "" : `${head.method} ${head.target} HTTP/${head.version}`);
  }
}
