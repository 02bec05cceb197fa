// FastCGI's records (the specification of 1996, §3.3 and §8): their heads and what the server answers with, as latin-1 text.

export const RECORD_HEAD_BYTES = 8;
export const VERSION = 1;

export const BEGIN_REQUEST = 1;
export const ABORT_REQUEST = 2;
const END_REQUEST = 3;
export const PARAMS = 4;
export const STDIN = 5;
const STDOUT = 6;
export const DATA = 8;
export const GET_VALUES = 9;
const GET_VALUES_RESULT = 10;
const UNKNOWN_TYPE = 11;

export const ROLE_RESPONDER = 1;
export const FLAG_KEEP_CONNECTION = 1;

export const REQUEST_COMPLETE = 0;
export const CANNOT_MULTIPLEX = 1;
export const UNKNOWN_ROLE = 3;

/** Of one record's content: a multiple of 8, so that none needs padding. */
export const CONTENT_BYTES_MAX = 65_528;

/** What precedes `length` bytes of output. */
export function stdoutHead(id: number, length: number): string {
  return recordHead(STDOUT, id, length);
}

/** A text as output, in as many records as it needs. */
export function stdoutText(id: number, text: string): string {
  let records = "";
  for (let at = 0; at < text.length; at += CONTENT_BYTES_MAX) {
    const content = text.slice(at, at + CONTENT_BYTES_MAX);
    records += stdoutHead(id, content.length) + content;
  }
  return records;
}

/** The end of the output, and of the request. */
export function responseEnd(id: number): string {
  return stdoutHead(id, 0) + endRequest(id, REQUEST_COMPLETE);
}

export function endRequest(id: number, protocolStatus: number): string {
  return `${recordHead(END_REQUEST, id, 8)}\0\0\0\0${String.fromCharCode(protocolStatus)}\0\0\0`;
}

/** A record of a type that nobody knows. */
export function unknownType(id: number, type: number): string {
  return `${recordHead(UNKNOWN_TYPE, id, 8)}${String.fromCharCode(type)}\0\0\0\0\0\0\0`;
}

/** What is known of the names that a web server asks for. */
export function valuesResult(names: readonly string[]): string {
  let content = "";
  for (const [name, value] of VALUES) {
    if (names.includes(name)) content += String.fromCharCode(name.length, value.length) + name + value;
  }
  return recordHead(GET_VALUES_RESULT, 0, content.length) + content;
}

/** One request at a time on a connection; the number of connections is the listener's to bound. */
const VALUES: readonly (readonly [string, string])[] = [["FCGI_MPXS_CONNS", "0"]];

function recordHead(type: number, id: number, length: number): string {
  return String.fromCharCode(VERSION, type, id >> 8, id & 255, length >> 8, length & 255, 0, 0);
}
