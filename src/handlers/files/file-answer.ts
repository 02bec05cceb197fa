// A representation's way out: whole, in part, or not at all because the client has it. Whatever sends files ends here: the static
// routes and what applications hand over.

import { randomBytes } from "node:crypto";
import type { Exchange, ResponseHead, ResponseSink } from "../../http/exchange.ts";
import { ownHead } from "../../http/own-response.ts";
import type { Log } from "../../log/log.ts";
import { answerWithPage } from "../error-page.ts";
import { type BodyPart, type ByteRange, contentRange, multipart, rangesOf } from "./byte-ranges.ts";
import { isRangeCurrent, judge, type RequestTerms } from "./conditions.ts";
import { FileStream } from "./file-stream.ts";
import type { Representation } from "./representation.ts";

export interface AnswerOptions {
  readonly log: Log;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

/** For GET and HEAD. `terms`: the request's conditions, undefined for none. */
export function answerWithFile(
  exchange: Exchange,
  representation: Representation,
  terms: RequestTerms | undefined,
  options: AnswerOptions,
): void {
  if (terms === undefined) sendWhole(exchange, representation, options);
  else answerOnTerms(exchange, representation, terms, options);
}

function answerOnTerms(
  exchange: Exchange,
  representation: Representation,
  terms: RequestTerms,
  options: AnswerOptions,
): void {
  const { validators, size } = representation;
  const verdict = judge(terms, validators);
  if (verdict === "failed") {
    answerWithPage(exchange.response, 412, { detail: "The file is not the one that the request is about." });
  } else if (verdict === "not-modified") {
    sendBlock(exchange.response, ownHead(304, -1), representation.lines);
  } else if (terms.range === undefined || exchange.head.method !== "GET") {
    sendWhole(exchange, representation, options); // RFC 9110 §14.2: Range is for GET
  } else if (!isRangeCurrent(terms.ifRange, validators, options.wallMs())) {
    sendWhole(exchange, representation, options);
  } else {
    const ranges = rangesOf(terms.range, size);
    if (ranges === "whole") sendWhole(exchange, representation, options);
    else if (ranges === "none") refuseRange(exchange.response, size);
    else sendRanges(exchange, representation, ranges, options);
  }
}

/** The way of most requests: one call for head and body, whose bytes are as they were made. */
function sendWhole(exchange: Exchange, representation: Representation, options: AnswerOptions): void {
  const { response } = exchange;
  const { head, bytes, blockEnd, file, size } = representation;
  const isHead = exchange.head.method === "HEAD";
  response.start(head, bytes, 0, blockEnd, isHead ? blockEnd : bytes.length);
  if (isHead || file === undefined || size === 0) response.end();
  else stream(exchange, representation, [{ offset: 0, length: size }], options);
}

function sendRanges(
  exchange: Exchange,
  representation: Representation,
  ranges: readonly ByteRange[],
  options: AnswerOptions,
): void {
  const { typeLine, lines, size } = representation;
  const [range] = ranges;
  if (ranges.length === 1 && range !== undefined) {
    const rangeLine = `Content-Range: ${contentRange(range, size)}\r\n`;
    sendParts(
      exchange,
      representation,
      { parts: ranges, length: range.length, lines: typeLine + rangeLine + lines },
      options,
    );
    return;
  }
  const boundary = randomBytes(15).toString("hex");
  const body = multipart(ranges, { size, typeLine, boundary });
  const multipartLine = `Content-Type: multipart/byteranges; boundary=${boundary}\r\n`;
  sendParts(exchange, representation, { ...body, lines: multipartLine + lines }, options);
}

interface PartialBody {
  readonly parts: readonly BodyPart[];
  readonly length: number;
  readonly lines: string;
}

function sendParts(
  exchange: Exchange,
  representation: Representation,
  { parts, length, lines }: PartialBody,
  options: AnswerOptions,
): void {
  const head = { ...representation.head, status: 206, reason: "", contentLength: length };
  const block = Buffer.from(`Content-Length: ${length}\r\n${lines}\r\n`, "latin1");
  const { response } = exchange;
  if (representation.file !== undefined) {
    response.start(head, block, 0, block.length, block.length);
    stream(exchange, representation, parts, options);
    return;
  }
  const bytes = Buffer.concat([block, ...parts.map((part) => inMemory(representation, part))]);
  response.start(head, bytes, 0, block.length, bytes.length);
  response.end();
}

function inMemory({ bytes, blockEnd }: Representation, part: BodyPart): Buffer {
  if (Buffer.isBuffer(part)) return part;
  const from = blockEnd + part.offset;
  return bytes.subarray(from, from + part.length);
}

function stream(
  exchange: Exchange,
  { file }: Representation,
  parts: readonly BodyPart[],
  { log }: AnswerOptions,
): void {
  if (file === undefined) return;
  const { id, head } = exchange;
  const onShort = (): void =>
    log.error("a file became shorter while it was sent", { request: id, target: head.target });
  new FileStream(exchange, file, onShort).send(parts);
}

function refuseRange(response: ResponseSink, size: number): void {
  const lines = `Content-Range: bytes */${size}\r\n`;
  answerWithPage(response, 416, { detail: "No such part.", lines });
}

function sendBlock(response: ResponseSink, head: ResponseHead, lines: string): void {
  const block = Buffer.from(`${lines}\r\n`, "latin1");
  response.start(head, block, 0, block.length, block.length);
  response.end();
}
