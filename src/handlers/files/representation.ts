// One form of a file (as it is, or compressed) made ready to be sent: header lines, and its bytes or an open descriptor.

import { imfFixdate } from "../../http/date.ts";
import type { ResponseHead } from "../../http/exchange.ts";
import { ownHead } from "../../http/own-response.ts";
import type { Validators } from "./conditions.ts";
import type { FileStat } from "./descriptor.ts";
import type { SharedFile } from "./shared-file.ts";

/** Where the bytes are. */
export type Content =
  | { readonly kind: "memory"; readonly bytes: Buffer }
  | { readonly kind: "file"; readonly file: SharedFile };

export interface RepresentationOptions {
  readonly size: number;
  readonly content: Content;
  readonly validators: Validators;
  /** Content-Type, a whole line; "" for none. */
  readonly typeLine: string;
  /** All other header lines but Content-Length, each with CRLF. */
  readonly lines: string;
  /** Of a response that holds all of it. */
  readonly head?: ResponseHead;
}

export class Representation {
  readonly size: number;
  readonly validators: Validators;
  readonly typeLine: string;
  readonly lines: string;
  /** Of a response that holds all of it. */
  readonly head: ResponseHead;
  /** That response's header block, and behind it the body if it is in memory. Never changed, never given back to a pool. */
  readonly bytes: Buffer;
  readonly blockEnd: number;
  /** undefined: in memory. */
  readonly file: SharedFile | undefined;

  constructor({ size, content, validators, typeLine, lines, head }: RepresentationOptions) {
    this.size = size;
    this.validators = validators;
    this.typeLine = typeLine;
    this.lines = lines;
    const own = head ?? ownHead(200, size);
    this.head = content.kind === "memory" ? { ...own, isShared: true } : own;
    const block = Buffer.from(`${typeLine}Content-Length: ${size}\r\n${lines}\r\n`, "latin1");
    this.blockEnd = block.length;
    this.file = content.kind === "file" ? content.file : undefined;
    this.bytes = content.kind === "file" ? block : Buffer.concat([block, content.bytes]);
  }
}

/** `suffix` keeps the forms of one file apart. A time to come is none that may be told (RFC 9110 §8.8.2.1). */
export function validatorsOf({ version, mtimeMs }: FileStat, suffix: string, wallMs: number): Validators {
  const seconds = Math.floor(Math.min(mtimeMs, wallMs) / 1000);
  return { etag: `"${version}${suffix}"`, lastModifiedMs: seconds * 1000 };
}

export function validatorLines({ etag, lastModifiedMs }: Validators): string {
  const etagLine = etag === "" ? "" : `ETag: ${etag}\r\n`;
  return Number.isNaN(lastModifiedMs)
    ? etagLine
    : `${etagLine}Last-Modified: ${imfFixdate(lastModifiedMs)}\r\n`;
}
